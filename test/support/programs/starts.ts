// Starts a rate-limited method a million times; prints how many bytes of the heap that left behind. Needs --expose-gc.
import { rateLimit } from 'opero';

const collect = globalThis.gc;
if (collect === undefined) throw new Error('run this with --expose-gc');

class Api {
  @rateLimit({ rate: 1000, per: 1 })
  async get(): Promise<void> {}
}

const api = new Api();

async function heapAfter(starts: number): Promise<number> {
  for (let i = 0; i < starts; i++) await api.get();
  collect?.();
  return process.memoryUsage().heapUsed;
}

const before = await heapAfter(100_000);
console.log((await heapAfter(1_000_000)) - before);
