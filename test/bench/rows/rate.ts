import Bottleneck from 'bottleneck';
import { RateLimiter } from 'limiter';
import { rateLimit } from 'opero';
import pThrottle from 'p-throttle';
import { median, race, sequential } from '../measure.js';
import { type Row, rowsOf, type Section } from '../section.js';
import { byHand } from './by-hand.js';
import { onePolicy } from './peers.js';
import { plenty, service } from './service.js';

const freeSection: Section = {
  title: 'a rate limit that nobody waits for, per start',
  async measure({ quick }) {
    const bottleneck = new Bottleneck({
      reservoir: plenty,
      reservoirRefreshAmount: plenty,
      reservoirRefreshInterval: 1000,
    });
    const limiter = new RateLimiter({ tokensPerInterval: plenty, interval: 1000 });
    const times = await race(
      {
        opero: sequential((value) => service.paced(value)),
        'an exact window by hand': sequential(byHand()),
        'p-throttle (strict)': sequential(onePolicy().rateLimit['p-throttle (strict)']),
        Bottleneck: sequential((value) => bottleneck.schedule(() => service.plain(value))),
        limiter: sequential(async (value) => {
          await limiter.removeTokens(1);
          return await service.plain(value);
        }),
      },
      { rounds: quick ? 10 : 30 },
    );
    return { rows: rowsOf(times) };
  },
};

const rate = 100;
/** Bottleneck looks at its reservoir every 250 ms. */
const per = 250;
const callers = 400;

class Paced {
  readonly starts: number[] = [];

  @rateLimit({ rate, per, scope: 'instance' })
  async start(): Promise<void> {
    this.starts.push(performance.now());
  }
}

/** Each makes a fresh limiter; the function that it gives calls `start` under it. */
const limiters: Record<string, (start: () => void) => () => Promise<unknown>> = {
  'p-throttle (strict)': (start) => pThrottle({ limit: rate, interval: per, strict: true })(async () => start()),
  Bottleneck(start) {
    const bottleneck = new Bottleneck({
      reservoir: rate,
      reservoirRefreshAmount: rate,
      reservoirRefreshInterval: per,
    });
    return () => bottleneck.schedule(async () => start());
  },
  limiter(start) {
    const limiter = new RateLimiter({ tokensPerInterval: rate, interval: per });
    return async () => {
      await limiter.removeTokens(1);
      start();
    };
  },
};

interface Observed {
  /** How much later than the rule needs the callers started, in the middle and at the worst, in milliseconds. */
  readonly late: number;
  readonly latest: number;
  /** The most starts in any window. */
  readonly most: number;
  /** Processor time for each start, in nanoseconds. */
  readonly cpu: number;
}

async function observe(starts: readonly number[], call: () => Promise<unknown>): Promise<Observed> {
  const before = process.cpuUsage();
  const calls: Promise<unknown>[] = [];
  for (let i = 0; i < callers; i++) calls.push(call());
  await Promise.all(calls);
  const { user, system } = process.cpuUsage(before);
  const first = starts[0];
  // The rule: a start may come a window after the one that is `rate` places before it.
  const delays = starts.map((start, i) => start - first - Math.floor(i / rate) * per);
  let most = 0;
  for (let i = 0, head = 0; i < starts.length; i++) {
    while (starts[i] - starts[head] >= per) head++;
    most = Math.max(most, i - head + 1);
  }
  const waited = delays.slice(rate);
  return { late: median(waited), latest: Math.max(...waited), most, cpu: ((user + system) * 1000) / callers };
}

function observeOpero(): Promise<Observed> {
  const paced = new Paced();
  return observe(paced.starts, () => paced.start());
}

function observePeer(make: (start: () => void) => () => Promise<unknown>): Promise<Observed> {
  const starts: number[] = [];
  return observe(
    starts,
    make(() => starts.push(performance.now())),
  );
}

const lateSection: Section = {
  title: `400 callers at once, 100 starts in any 250 ms: lateness and processor time of a start`,
  async measure({ quick }) {
    const seen: Record<string, Observed[]> = {};
    for (let round = quick ? 0 : -1; round < (quick ? 1 : 4); round++) {
      for (const name of ['opero', ...Object.keys(limiters)]) {
        const observed = await (name === 'opero' ? observeOpero() : observePeer(limiters[name]));
        if (round < 0) continue;
        seen[name] ??= [];
        seen[name].push(observed);
      }
    }
    const rows: Row[] = [];
    const notes: string[] = [];
    for (const [name, each] of Object.entries(seen)) {
      const middle = (of: (observed: Observed) => number): number => median(each.map(of));
      rows.push({ name: `${name}, late by`, value: middle(({ late }) => late), unit: 'ms' });
      rows.push({ name: `${name}, latest by`, value: middle(({ latest }) => latest), unit: 'ms' });
      rows.push({ name: `${name}, processor time`, value: middle(({ cpu }) => cpu), unit: 'ns' });
      notes.push(`${name}: at most ${Math.max(...each.map(({ most }) => most))} starts in any 250 ms (promised: 100)`);
    }
    const times = rows.filter(({ unit }) => unit === 'ns');
    return { rows: [...rows.filter(({ unit }) => unit === 'ms'), ...times], notes };
  },
};

class Timed {
  @rateLimit({ rate: 20, per: 10 })
  async start(): Promise<void> {}
}

/** The most timers that were pending at once, of those that were set while `run` ran. */
async function pendingTimers(run: () => Promise<unknown>): Promise<number> {
  const { setTimeout: set, clearTimeout: clear } = globalThis;
  const pending = new Set<unknown>();
  let most = 0;
  const counting = (fn: (...args: unknown[]) => void, delay?: number, ...args: unknown[]): NodeJS.Timeout => {
    const timer = set(() => {
      pending.delete(timer);
      fn(...args);
    }, delay);
    pending.add(timer);
    most = Math.max(most, pending.size);
    return timer;
  };
  globalThis.setTimeout = Object.assign(counting, { __promisify__: set.__promisify__ }) as typeof setTimeout;
  globalThis.clearTimeout = ((timer: NodeJS.Timeout) => {
    pending.delete(timer);
    clear(timer);
  }) as typeof clearTimeout;
  try {
    await run();
  } finally {
    globalThis.setTimeout = set;
    globalThis.clearTimeout = clear;
  }
  return most;
}

const timerSection: Section = {
  title: 'timers pending at once, 200 callers of one rate limit',
  async measure() {
    // The limits of the sections before have timers of their own for as long as a window.
    await new Promise((resolve) => setTimeout(resolve, 1100));
    const timed = new Timed();
    const throttled = pThrottle({ limit: 20, interval: 10, strict: true })(async () => {});
    const crowdOf = (start: () => Promise<unknown>) => () => Promise.all(Array.from({ length: 200 }, start));
    const timers = await pendingTimers(crowdOf(() => timed.start()));
    const peer = await pendingTimers(crowdOf(() => throttled()));
    return { rows: rowsOf({ opero: timers, 'p-throttle (strict)': peer }, 'timers'), figures: { timers } };
  },
};

export const rateSections: Section[] = [freeSection, lateSection, timerSection];
