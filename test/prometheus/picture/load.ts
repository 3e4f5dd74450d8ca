import { setTimeout as sleep } from 'node:timers/promises';
import { circuitBreaker, concurrency, fallback, rateLimit, retry, timeout } from 'opero';
import { seeded } from '../../support/random.js';
import type { SharedLoad } from './shared-load.js';

/** What goes on for a while: how long, and how services and callers are meanwhile. */
interface Phase {
  readonly seconds: number;
  /** What the weather service takes for an answer, in milliseconds; about. */
  readonly latency: number;
  /** How many of its answers are errors, of 1. */
  readonly errors: number;
  /** Calls of the tides in a second. */
  readonly tides: number;
}

const phases: readonly Phase[] = [
  { seconds: 50, latency: 60, errors: 0.01, tides: 12 },
  { seconds: 40, latency: 350, errors: 0.05, tides: 12 },
  { seconds: 40, latency: 40, errors: 0.9, tides: 12 },
  { seconds: 40, latency: 60, errors: 0.01, tides: 30 },
  { seconds: 40, latency: 60, errors: 0.01, tides: 8 },
];

/** How long all of them take. */
export const seconds = phases.reduce((total, phase) => total + phase.seconds, 0);

const random = seeded(1);
let now = phases[0] as Phase;

class HttpError extends Error {}

/** A service far away. */
async function ask(latency: number, errors: number): Promise<string> {
  await sleep(latency * (0.5 + random() ** 3 * 3));
  if (random() < errors) throw new HttpError('status 503');
  return 'sun';
}

class Weather {
  @fallback('cached')
  @retry({ maxAttempts: 3, waitMin: 100 })
  @circuitBreaker({ failureRatio: 0.5, window: 10_000, minCalls: 20 })
  @timeout(1_000)
  @concurrency({ limit: 10, maxQueue: 30 })
  async forecast(): Promise<string> {
    return ask(now.latency, now.errors);
  }

  async cached(): Promise<string> {
    return 'sun, a while ago';
  }
}

class AlpineWeather extends Weather {}

class Tides {
  @retry({ maxAttempts: 2, waitMin: 50 })
  @rateLimit({ rate: 16, maxQueue: 24 })
  async table(): Promise<string> {
    return ask(25, 0.02);
  }
}

/** Makes so many calls in a second, at random times, as long as there are phases. */
async function callOften(rate: () => number, call: () => Promise<unknown>): Promise<void> {
  const end = performance.now() + seconds * 1000;
  while (performance.now() < end) {
    await sleep((-Math.log(1 - random()) * 1000) / rate());
    call().catch(() => {});
  }
}

/** When Redis goes, and for how long. */
const outage = { at: 130, seconds: 12 };

/** Makes the calls of all phases, in real time. */
export async function makeCalls({ calls, outage: begin }: SharedLoad): Promise<void> {
  const [weather, alpine, tides] = [new Weather(), new AlpineWeather(), new Tides()];
  const all = [
    callOften(
      () => 30,
      () => weather.forecast(),
    ),
    callOften(
      () => 12,
      () => alpine.forecast(),
    ),
    callOften(
      () => now.tides,
      () => tides.table(),
    ),
    callOften(() => 9, calls.sync),
    callOften(() => 3, calls.send),
    // It holds a slot while Redis goes, and its lease ends meanwhile.
    sleep((outage.at - 5) * 1000).then(() => calls.export().catch(() => {})),
    sleep(outage.at * 1000).then(() => begin(outage.seconds)),
  ];
  for (now of phases) await sleep(now.seconds * 1000);
  await Promise.all(all);
}
