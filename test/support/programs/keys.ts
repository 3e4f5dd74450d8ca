// Calls methods under 100,000 keys each, and prints how many bytes of the heap that left behind. Needs --expose-gc.
import { concurrency, rateLimit } from 'opero';

const collect = globalThis.gc;
if (collect === undefined) throw new Error('run this with --expose-gc');

class Api {
  @rateLimit({ rate: 1, per: 5, key: (id: number) => `key ${id}` })
  async limited(_id: number): Promise<void> {}

  @concurrency({ limit: 1, key: (id: number) => `key ${id}` })
  async slotted(_id: number): Promise<void> {}

  @rateLimit({ rate: 2, per: 5, key: (id: number) => `key ${id}` })
  @concurrency({ limit: 1, key: (id: number) => `key ${id}` })
  async both(_id: number): Promise<void> {}
}

const api = new Api();
const methods = ['limited', 'slotted', 'both'] as const;

async function use(from: number, to: number): Promise<void> {
  for (let id = from; id < to; id++) await Promise.all(methods.map((method) => api[method](id)));
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
