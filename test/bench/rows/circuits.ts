import * as mollitia from 'mollitia';
import { circuitBreaker, circuitOf } from 'opero';
import { race, sequential, type Task } from '../measure.js';
import { CircuitBreaker, cockatiel } from '../newest.js';
import { rowsOf, type Section } from '../section.js';
import type { Caller } from './peers.js';
import { service } from './service.js';

const { handleAll } = cockatiel;
const plain = (value: number): Promise<number> => service.plain(value);
const day = 86_400_000;

const consecutive = () =>
  cockatiel.circuitBreaker(handleAll, { halfOpenAfter: day, breaker: new cockatiel.ConsecutiveBreaker(5) });
const sampling = () =>
  cockatiel.circuitBreaker(handleAll, {
    halfOpenAfter: day,
    breaker: new cockatiel.SamplingBreaker({ threshold: 0.5, duration: 10_000, minimumRps: 2 }),
  });
const opossum = () =>
  new CircuitBreaker(plain, { timeout: false, volumeThreshold: 20, errorThresholdPercentage: 50, resetTimeout: day });
const sliding = () =>
  new mollitia.SlidingTimeBreaker({
    slidingWindowSize: 10_000,
    minimumNumberOfCalls: 20,
    failureRateThreshold: 50,
    openStateDelay: day,
  });
const mol = (breaker: mollitia.SlidingTimeBreaker): mollitia.Circuit =>
  new mollitia.Circuit({ func: plain, options: { modules: [breaker] } });

/** The happy path: a circuit that stays closed. */
function closed(): Record<string, Caller> {
  const [inARow, sampled, fired, slid] = [consecutive(), sampling(), opossum(), mol(sliding())];
  return {
    'a plain call': plain,
    opero: (value) => service.guarded(value),
    'opero, by a window': (value) => service.watched(value),
    cockatiel: (value) => inARow.execute(() => plain(value)),
    'cockatiel, by a window': (value) => sampled.execute(() => plain(value)),
    'opossum, by a window': (value) => fired.fire(value),
    'mollitia, by a window': (value) => slid.execute(value),
  };
}

/** A method whose circuit stays open. */
class Down {
  @circuitBreaker({ consecutive: 1, halfOpenAfter: day })
  async call(value: number): Promise<number> {
    throw new Error(`down ${value}`);
  }
}

async function open() {
  const fails = async (): Promise<number> => {
    throw new Error('down');
  };
  const down = new Down();
  const inARow = consecutive();
  const fired = opossum();
  fired.open();
  const slid = sliding();
  slid.state = mollitia.BreakerState.OPENED;
  const circuit = mol(slid);
  await down.call(0).catch(() => {});
  for (let i = 0; i < 5; i++) await inARow.execute(fails).catch(() => {});
  if (circuitOf(Down, 'call').state !== 'open') throw new Error('the circuit is not open');
  const callers: Record<string, Caller> = {
    opero: (value) => down.call(value),
    cockatiel: (value) => inARow.execute(() => plain(value)),
    opossum: (value) => fired.fire(value),
    mollitia: (value) => circuit.execute(value),
  };
  /** Ends the timers that would keep the program alive for as long as the circuits are open. */
  const close = (): void => {
    fired.shutdown();
    circuit.dispose();
  };
  return { callers, close };
}

/** A caller who gets an error, which is what is measured. */
const refused =
  (caller: Caller): Caller =>
  (value) =>
    caller(value).then(
      () => {
        throw new Error('expected a rejection');
      },
      () => value,
    );

const tasksOf = (callers: Record<string, Caller>): Record<string, Task> =>
  Object.fromEntries(Object.entries(callers).map(([name, fn]) => [name, sequential(fn)]));

const pace = (quick: boolean) => ({ rounds: quick ? 25 : 60, warmUp: quick ? 20 : 10, slice: quick ? 4 : 8 });

export const circuitSections: Section[] = [
  {
    title: 'happy path: circuit breaker',
    measure: async ({ quick }) => ({ rows: rowsOf(await race(tasksOf(closed()), pace(quick))) }),
  },
  {
    title: 'a call that an open circuit rejects',
    async measure({ quick }) {
      const { callers, close } = await open();
      const all = Object.entries(callers).map(([name, fn]) => [name, refused(fn)] as const);
      const times = await race(tasksOf(Object.fromEntries(all)), pace(quick));
      close();
      return { rows: rowsOf(times) };
    },
  },
];
