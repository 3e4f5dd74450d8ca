// One call of 100,000 attempts; prints how many bytes of the heap it holds at the last one. Needs --expose-gc.
import { concurrency, retry } from 'opero';

const collect = globalThis.gc;
if (collect === undefined) throw new Error('run this with --expose-gc');
const failure = new Error('again');
const last = 100_000;

class Api {
  attempts = 0;
  before = 0;

  @retry({ maxAttempts: Number.POSITIVE_INFINITY, waitMin: 0 })
  @concurrency(1)
  async get(): Promise<number> {
    this.attempts++;
    if (this.attempts === 1000) this.before = heap();
    if (this.attempts < last) throw failure;
    return heap() - this.before;
  }
}

function heap(): number {
  collect?.();
  return process.memoryUsage().heapUsed;
}

console.log(await new Api().get());
