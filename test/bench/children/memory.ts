// Prints how many bytes of heap one waiting caller, or one instance of a class, takes.
import { concurrency, fallback, rateLimit, retry } from 'opero';
import pLimit from 'p-limit';
import { cockatiel, PQueue } from '../newest.js';

const count = 20_000;
const never = (): Promise<void> => new Promise(() => {});

class Gate {
  @concurrency(1)
  async pass(): Promise<void> {
    await never();
  }
}

class Plain {
  async call(): Promise<void> {}
  async other(): Promise<void> {}
}

class Decorated {
  @fallback('other')
  @retry(3)
  @rateLimit(100)
  @concurrency(10)
  async call(): Promise<void> {}
  async other(): Promise<void> {}
}

/** What makes one more of the things to be counted. */
const makers: Record<string, () => () => unknown> = {
  promise: () => never,
  opero() {
    const gate = new Gate();
    return () => gate.pass();
  },
  'p-limit'() {
    const limit = pLimit(1);
    return () => limit(never);
  },
  'p-queue'() {
    const queue = new PQueue({ concurrency: 1 });
    return () => queue.add(never);
  },
  cockatiel() {
    const bulk = cockatiel.bulkhead(1, Number.MAX_SAFE_INTEGER);
    return () => bulk.execute(never);
  },
  plain: () => () => new Plain(),
  decorated: () => () => new Decorated(),
};

async function heapUsed(): Promise<number> {
  for (let i = 0; i < 3; i++) {
    await new Promise((resolve) => setTimeout(resolve, 5));
    globalThis.gc?.();
  }
  return process.memoryUsage().heapUsed;
}

const make = makers[process.argv[2]]();
const things: unknown[] = new Array(count).fill(undefined);
for (let i = 0; i < 100; i++) things[0] = await Promise.race([make(), undefined]);
const before = await heapUsed();
for (let i = 0; i < count; i++) things[i] = make();
const after = await heapUsed();
console.log((after - before) / things.length);
// Used once more, or else the limiter might be collected before it is measured, and its line with it.
things.push(make);
process.exit();
