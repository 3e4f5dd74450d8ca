import { keep, median, type Pace, race, sequential, type Task } from '../measure.js';
import { type Outcome, rowsOf, type Section, slownessBy } from '../section.js';
import { byHand } from './by-hand.js';
import { type Caller, fourPolicies, onePolicy, resilientPolicies, threePolicies } from './peers.js';
import { service } from './service.js';

/** The least that a layer around a call can cost, in the way that most people write it. */
async function wrapper(value: number): Promise<number> {
  return await service.plain(value);
}

/** The same with a promise returned from an async function, which takes three turns of the microtask queue more. */
async function forwarder(value: number): Promise<number> {
  return service.plain(value);
}

const base = {
  'a plain call': (value) => service.plain(value),
  'one async wrapper': wrapper,
  'one async wrapper, no await': forwarder,
} satisfies Record<string, Caller>;

/** Races the callers with the base rows: what they add can only be told from figures of one run. */
function raceCallers<Name extends string>(
  callers: Record<Name, Caller>,
  { quick }: Pace,
): Promise<Record<Name | keyof typeof base, number>> {
  const all: Record<string, Caller> = { ...base, ...callers };
  const tasks = Object.fromEntries(Object.entries(all).map(([name, fn]) => [name, sequential(fn)]));
  return race<string>(tasks as Record<string, Task>, {
    rounds: quick ? 25 : 60,
    warmUp: quick ? 20 : 10,
    slice: quick ? 4 : 8,
  }) as Promise<Record<Name | keyof typeof base, number>>;
}

/** Callers beside the base rows, one call after the other. */
export const callSection = <Name extends string>(
  title: string,
  callers: () => Record<Name, Caller>,
  figures?: (times: Record<Name | keyof typeof base, number>) => Omit<Outcome, 'rows'>,
): Section => ({
  title,
  async measure(pace) {
    const times = await raceCallers(callers(), pace);
    return { rows: rowsOf(times), slowness: slownessBy(times['one async wrapper']), ...figures?.(times) };
  },
});

const ratio = (value: number): string => value.toFixed(2);

/** What every start of a rate limit costs at the least, in nanoseconds. */
function clockTime(): number {
  const count = 100_000;
  const times = Array.from({ length: 15 }, () => {
    const begin = performance.now();
    for (let i = 0; i < count; i++) keep(performance.now());
    return ((performance.now() - begin) * 1e6) / count;
  });
  return median(times.slice(5));
}

export const callSections: Section[] = [
  callSection('happy path: retry', () => ({ opero: (value) => service.retried(value), ...onePolicy().retry })),
  callSection('happy path: concurrency', () => ({
    opero: (value) => service.limited(value),
    ...onePolicy().concurrency,
  })),
  callSection('happy path: fallback', () => ({ opero: (value) => service.backed(value), ...onePolicy().fallback })),
  callSection('happy path: timeout', () => ({
    opero: (value) => service.bounded(value),
    'opero, attempt and total': (value) => service.boundedTwice(value),
    ...onePolicy().timeout,
  })),
  callSection(
    'happy path: a policy by definePolicy',
    () => ({ opero: (value: number) => service.passed(value), 'opero, retry': (value) => service.retried(value) }),
    (times) => {
      const wrapper = times['one async wrapper'] - times['a plain call'];
      const added = times.opero - times['opero, retry'];
      return {
        notes: [
          `beyond a built-in policy it adds ${added.toFixed(0)} ns; an async wrapper adds ${wrapper.toFixed(0)} ns to a plain call`,
        ],
      };
    },
  ),
  callSection(
    'happy path: what each policy adds to a call through retry',
    () => ({
      'opero, retry': (value: number) => service.retried(value),
      'and a timeout': (value) => service.retriedBounded(value),
      'and a hedge': (value) => service.retriedHedged(value),
      'and a circuit breaker': (value) => service.retriedGuarded(value),
      'and a circuit breaker, by a window': (value) => service.retriedWatched(value),
      'with a budget': (value) => service.retriedWithin(value),
      'and a policy by definePolicy': (value) => service.retriedThrough(value),
    }),
    (times) => {
      const retried = times['opero, retry'];
      const wrapper = times['one async wrapper'] - times['a plain call'];
      return {
        reference: 'opero, retry',
        figures: {
          timeoutCost: times['and a timeout'] - retried,
          hedgeCost: times['and a hedge'] - retried - wrapper,
          circuitCost: times['and a circuit breaker'] - retried,
          circuitWindowCost: times['and a circuit breaker, by a window'] - retried,
          budgetCost: times['with a budget'] - retried,
          ownPolicyToWrapper: (times['and a policy by definePolicy'] - retried) / wrapper,
        },
      };
    },
  ),
  callSection(
    'happy path: fallback, retry, circuit breaker and timeout',
    () => ({ opero: (value: number) => service.resilient(value), ...resilientPolicies() }),
    (times) => {
      const plain = times['a plain call'];
      return { figures: { resilientToCockatiel: (times.opero - plain) / (times.cockatiel - plain) } };
    },
  ),
  callSection(
    'happy path: three policies (fallback, retry, concurrency)',
    () => ({ opero: (value: number) => service.three(value), ...threePolicies() }),
    (times) => {
      const plain = times['a plain call'];
      return {
        figures: {
          threeToCockatiel: (times.opero - plain) / (times.cockatiel - plain),
          threeToFloor: times.opero / times['one async wrapper'],
        },
        notes: [
          `three policies, to a wrapper that returns the promise without await: ${ratio(times.opero / times['one async wrapper, no await'])} x`,
        ],
      };
    },
  ),
  callSection(
    'happy path: all four policies (and rateLimit)',
    () => {
      const { signal } = new AbortController();
      return {
        opero: (value: number) => service.four(value),
        'opero, with a signal': (value: number) => service.four(value, signal),
        'one async wrapper, exact window by hand': byHand(),
        ...fourPolicies(),
      };
    },
    (times) => ({
      figures: {
        fourToFloor: times.opero / times['one async wrapper'],
        fourToByHand: times.opero / times['one async wrapper, exact window by hand'],
      },
      notes: [
        `four policies, to a wrapper that returns the promise without await: ${ratio(times.opero / times['one async wrapper, no await'])} x`,
        `one look at the clock, which an exact window needs for each start: ${clockTime().toFixed(0)} ns`,
      ],
    }),
  ),
];
