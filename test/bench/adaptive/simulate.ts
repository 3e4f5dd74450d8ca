import { install } from '@sinonjs/fake-timers';
import { type ConcurrencyConfig, concurrency, statsOf } from 'opero';
import { seeded } from '../../support/random.js';
import { kneeOf, type Nature, Server, throughputOf } from './server.js';

/** What happens for a while: how many calls come in a second, and what the server is like. */
export interface Phase {
  readonly name: string;
  readonly seconds: number;
  readonly load: number;
  readonly nature: Nature;
}

/** What was seen in one second, or in one phase. */
export interface Seen {
  /** Calls that ended. */
  ended: number;
  /** Calls that were turned away. */
  rejected: number;
  /** How long those that ended took, waits included, in milliseconds. */
  readonly times: number[];
  /** The limit at its end. */
  limit: number;
}

const usual: Nature = { demand: 20, contention: 0.02, coherency: 0.0006 };
/** As while another tenant of the machine is busy. */
const worse: Nature = { ...usual, coherency: 0.0024 };

export const phases: readonly Phase[] = [
  { name: 'quiet', seconds: 15, load: 200, nature: usual },
  { name: 'busy', seconds: 15, load: 600, nature: usual },
  { name: 'too much', seconds: 30, load: 1200, nature: usual },
  { name: 'too much, slower server', seconds: 30, load: 1200, nature: worse },
  { name: 'too much, server as before', seconds: 30, load: 1200, nature: usual },
  { name: 'busy again', seconds: 15, load: 600, nature: usual },
];

/** How many calls a second could end at the most in a phase. */
export const bestOf = ({ load, nature }: Phase): number => Math.min(load, throughputOf(nature, kneeOf(nature)));

const realSetImmediate = setImmediate;
const settle = (): Promise<void> => new Promise((resolve) => realSetImmediate(resolve));

/** What stands behind calls that find no slot at once. */
const maxQueue = 100;

/**
 * Runs all phases against a server, through `@concurrency` with this limit, on a clock of its own. The same seed gives the
 * same calls at the same times, whatever the limit.
 */
export async function simulate(limit: ConcurrencyConfig['limit'], seed: number, all = phases): Promise<Seen[][]> {
  const arrivals = seeded(seed);
  const demands = seeded(seed + 1);
  const server = new Server((all[0] as Phase).nature);
  class Client {
    @concurrency({ limit, maxQueue })
    ask(demand: number): Promise<void> {
      return new Promise((resolve) => server.begin(demand, resolve));
    }
  }
  const client = new Client();
  const clock = install({ now: 0, toFake: ['setTimeout', 'clearTimeout', 'performance', 'Date'] });
  let time = 0;
  const moveTo = (next: number): void => {
    clock.tick(next - time);
    time = next;
    server.moveTo(time);
  };
  const after = (rate: number): number => (-Math.log(1 - arrivals()) * 1000) / rate;
  try {
    const seen: Seen[][] = [];
    let begin = 0;
    let current: Seen;
    for (const { seconds, load, nature } of all) {
      server.nature = nature;
      const phase: Seen[] = [];
      seen.push(phase);
      let next = begin + after(load);
      for (let second = 0; second < seconds; second++) {
        current = { ended: 0, rejected: 0, times: [], limit: 0 };
        phase.push(current);
        const end = begin + (second + 1) * 1000;
        for (;;) {
          const event = Math.min(next, server.nextEnd, end);
          moveTo(event);
          if (event === end) break;
          if (event === next) {
            const cameAt = time;
            const demand = -Math.log(1 - demands()) * nature.demand;
            client.ask(demand).then(
              () => {
                current.ended++;
                current.times.push(time - cameAt);
              },
              () => {
                current.rejected++;
              },
            );
            next += after(load);
          } else server.endFirst();
          await settle();
        }
        current.limit = statsOf(Client, 'ask').limit;
      }
      begin += seconds * 1000;
    }
    return seen;
  } finally {
    clock.uninstall();
  }
}
