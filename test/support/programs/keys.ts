// Calls methods under 100,000 keys each, and prints how many bytes of the heap that left behind. Needs --expose-gc.
import { ConcurrencyLimiter, concurrency, RateLimiter, rateLimit } from 'opero';

const collect = globalThis.gc;
if (collect === undefined) throw new Error('run this with --expose-gc');

const quota = new RateLimiter({ rate: 2, per: 5, key: (...[id]: [number]) => `key ${id}` });
const slots = new ConcurrencyLimiter({ limit: 2, key: (...[id]: [number]) => `key ${id}` });

class Api {
  @rateLimit({ rate: 1, per: 5, key: (id: number) => `key ${id}` })
  async limited(_id: number): Promise<void> {}

  @concurrency({ limit: 1, key: (id: number) => `key ${id}` })
  async slotted(_id: number): Promise<void> {}

  @rateLimit({ rate: 2, per: 5, key: (id: number) => `key ${id}` })
  @concurrency({ limit: 1, key: (id: number) => `key ${id}` })
  async both(_id: number): Promise<void> {}

  /** Calls that weigh nothing, one, two, and too much; and those that have taken more than they said. */
  @rateLimit({ limiter: quota, weight: (id: number) => id % 3, weightResult: (taken: number) => taken })
  @concurrency([{ limiter: slots, weight: (id: number) => id % 4 }])
  async weighed(id: number): Promise<number> {
    return id % 2;
  }
}

const api = new Api();
const methods = ['limited', 'slotted', 'both', 'weighed'] as const;

async function use(from: number, to: number): Promise<void> {
  for (let id = from; id < to; id++) await Promise.allSettled(methods.map((method) => api[method](id)));
}

async function heapAfter(milliseconds: number): Promise<number> {
  await new Promise((resolve) => setTimeout(resolve, milliseconds));
  collect?.();
  return process.memoryUsage().heapUsed;
}

await use(0, 2000);
const before = await heapAfter(50);
await use(2000, 102_000);
let left = Number.POSITIVE_INFINITY;
for (let i = 0; i < 40 && left > 2_000_000; i++) left = (await heapAfter(50)) - before;
console.log(left);
