import { setImmediate as nextTurn } from 'node:timers/promises';
import Bottleneck from 'bottleneck';
import * as tokens from 'limiter';
import { ConcurrencyLimiter, concurrency, RateLimiter, rateLimit } from 'opero';
import pThrottle from 'p-throttle';
import { crowd, race, sequential, type Task } from '../measure.js';
import { PQueue } from '../newest.js';
import { rowsOf, type Section } from '../section.js';
import { callSection } from './calls.js';
import { minute, plenty } from './service.js';

const sharedSlots = new ConcurrencyLimiter(10);
const sharedPermits = new RateLimiter(plenty);

/** From one permit to four. */
const weight = (value: number): number => 1 + (value & 3);
/** Every second caller is urgent. */
const priority = (value: number): number => value & 1;

/** Limits of each kind, over the same as in `Service`. A class of its own: what others measure stays as it was. */
class Limits {
  async plain(value: number): Promise<number> {
    return value;
  }

  @rateLimit(plenty)
  async paced(value: number): Promise<number> {
    return value;
  }

  @rateLimit({ rate: plenty, weight })
  async weighed(value: number): Promise<number> {
    return value;
  }

  @rateLimit(sharedPermits)
  async pacedTogether(value: number): Promise<number> {
    return value;
  }

  @concurrency(10)
  async limited(value: number): Promise<number> {
    return value;
  }

  @concurrency({ limit: 10, priority })
  async ranked(value: number): Promise<number> {
    return value;
  }

  @concurrency(sharedSlots)
  async limitedTogether(value: number): Promise<number> {
    return value;
  }

  /** One call at a time never uses half of the limit, so that it stays where it begins. */
  @concurrency({ limit: { initial: 10, targetLatency: minute } })
  async adapted(value: number): Promise<number> {
    return value;
  }

  /** The limits are shared indeed. */
  @rateLimit(sharedPermits)
  @concurrency(sharedSlots)
  async together(value: number): Promise<number> {
    return value;
  }
}

const limits = new Limits();

const weightSection: Section = {
  title: 'a rate limit that nobody waits for, by weight, per start',
  async measure({ quick }) {
    const bottleneck = new Bottleneck({
      reservoir: plenty,
      reservoirRefreshAmount: plenty,
      reservoirRefreshInterval: 1000,
    });
    const limiter = new tokens.RateLimiter({ tokensPerInterval: plenty, interval: 1000 });
    const plain = (value: number): Promise<number> => limits.plain(value);
    const byClock = pThrottle({ limit: plenty, interval: 1000, weight })(plain);
    const times = await race(
      {
        opero: sequential((value) => limits.weighed(value)),
        'opero, each of weight 1': sequential((value) => limits.paced(value)),
        'p-throttle (not strict)': sequential((value) => byClock(value)),
        Bottleneck: sequential((value) => bottleneck.schedule({ weight: weight(value) }, plain, value)),
        limiter: sequential(async (value) => {
          await limiter.removeTokens(weight(value));
          return await limits.plain(value);
        }),
      },
      { rounds: quick ? 10 : 30 },
    );
    // Strict, it looks at all starts of the window for each: it would tell how many the others let it have.
    const strict = await race(
      {
        'p-throttle (strict), the first 1,000 in a window': (count) => {
          const exact = pThrottle({ limit: plenty, interval: minute, strict: true, weight })(plain);
          return sequential((value) => exact(value))(count);
        },
      },
      { rounds: quick ? 5 : 15, count: 1000 },
    );
    return { rows: rowsOf({ ...times, ...strict }) };
  },
};

/**
 * Bottleneck puts a call in line some turns of the event loop after it was made. The first to run wait until all are there,
 * or nobody would ever stand behind another. Its lowest number goes first.
 */
const inLine: Task = async (count) => {
  const slots = 10;
  const bottleneck = new Bottleneck({ maxConcurrent: slots });
  let open = (): void => {};
  const gate = new Promise<void>((resolve) => {
    open = resolve;
  });
  const gated = async (value: number): Promise<number> => {
    await gate;
    return limits.plain(value);
  };
  const done = crowd((value) => bottleneck.schedule({ priority: 5 - priority(value) }, gated, value))(count);
  while (bottleneck.queued() < count - slots) await nextTurn();
  open();
  await done;
};

const prioritySection: Section = {
  title: '10,000 callers at once of two priorities, through a limit of 10, per call',
  async measure({ quick }) {
    const queue = new PQueue({ concurrency: 10 });
    const times = await race(
      {
        opero: crowd((value) => limits.ranked(value)),
        'opero, all of one priority': crowd((value) => limits.limited(value)),
        'p-queue': crowd((value) => queue.add(() => limits.plain(value), { priority: priority(value) })),
        'p-queue, all of one priority': crowd((value) => queue.add(() => limits.plain(value))),
      },
      { rounds: quick ? 5 : 15, warmUp: 2, count: 10_000 },
    );
    // As many as it is given elsewhere: its calls wait for timers.
    const slow = await race({ 'Bottleneck, 500 callers': inLine }, { rounds: quick ? 1 : 3, warmUp: 0, count: 500 });
    return { rows: rowsOf({ ...times, ...slow }) };
  },
};

/** Says what a limit of another kind adds to a plain one. */
const added = (name: string, value: number, own: number): string =>
  `${name}, beyond a fixed limit of the method's own: ${(value - own).toFixed(0)} ns`;

export const limitSections: Section[] = [
  weightSection,
  prioritySection,
  callSection(
    'happy path: concurrency, shared or adaptive',
    () => ({
      opero: (value: number) => limits.limited(value),
      'opero, shared': (value) => limits.limitedTogether(value),
      'opero, adaptive': (value) => limits.adapted(value),
    }),
    (times) => ({
      notes: [
        added('shared', times['opero, shared'], times.opero),
        added('adaptive', times['opero, adaptive'], times.opero),
      ],
    }),
  ),
  callSection(
    'happy path: a rate limit, shared',
    () => ({
      opero: (value: number) => limits.paced(value),
      'opero, shared': (value) => limits.pacedTogether(value),
    }),
    (times) => ({ notes: [added('shared', times['opero, shared'], times.opero)] }),
  ),
];
