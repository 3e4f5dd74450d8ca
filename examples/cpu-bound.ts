/** `@cpuBound` runs a method in a worker thread; the other policies stay around it, on this side. */
import { fileURLToPath } from 'node:url';
import { isMainThread } from 'node:worker_threads';
import { cpuBound, move, retry, shutdown } from 'opero';

export class TooBigError extends Error {
  override readonly name = 'TooBigError';
  constructor(readonly limit: number) {
    super(`only up to ${limit}`);
  }
}

export class Primes {
  limit = 100_000;
  readonly cache = new Map<number, number>();

  @retry({ maxAttempts: 2, waitMin: 1, abortOn: TooBigError })
  @cpuBound(import.meta.url, { maxWorkers: 2, state: ['limit'] })
  async count(upTo: number): Promise<string> {
    if (upTo > this.limit) throw new TooBigError(this.limit);
    let found = 0;
    for (let n = 2; n <= upTo; n++) if (isPrime(n)) found++;
    return `${found} primes, ${isMainThread ? 'on the main thread' : 'in a worker'}`;
  }

  /** Reads a field that does not travel. */
  @cpuBound(import.meta.url, { maxWorkers: 2 })
  async cached(n: number): Promise<number | undefined> {
    return this.cache.get(n);
  }

  @cpuBound(import.meta.url, { maxWorkers: 2 })
  async sum(numbers: Float64Array): Promise<number> {
    return numbers.reduce((sum, each) => sum + each, 0);
  }
}

function isPrime(n: number): boolean {
  for (let d = 2; d * d <= n; d++) if (n % d === 0) return false;
  return true;
}

// A worker imports this very file: what only the program does stands behind a guard.
if (isMainThread && process.argv[1] === fileURLToPath(import.meta.url)) {
  const primes = new Primes();
  console.log(await primes.count(10_000));
  const error: unknown = await primes.count(1_000_000).catch((thrown: unknown) => thrown);
  console.log(error instanceof TooBigError && `${error.name}: ${error.message} (limit ${error.limit})`);
  console.log(await primes.cached(2).catch((thrown: Error) => thrown.message));
  const numbers = Float64Array.from({ length: 1000 }, (_, i) => i);
  console.log(await primes.sum(move(numbers)), 'moved, so that here are left:', numbers.length);
  await shutdown(); // not needed to end: idle workers keep no program alive
}
