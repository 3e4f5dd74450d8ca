// One file that holds a cpuBound class and the program that calls it; its argument is the runtime.
import { fileURLToPath } from 'node:url';
import { isMainThread } from 'node:worker_threads';
import { cpuBound } from 'opero';

export class OddError extends Error {}

const runtime = process.argv[2] === 'child_process' ? 'child_process' : 'worker_threads';
const isEntry = isMainThread && process.argv[1] === fileURLToPath(import.meta.url);

export class Work {
  @cpuBound(import.meta.url, { runtime, maxWorkers: 1, errors: [OddError] })
  async square(n: number): Promise<string> {
    if (n % 2 === 0) throw new OddError('even');
    return `ran ${isEntry ? 'on' : 'off'} the main thread: ${n * n}`;
  }
}

if (isEntry) {
  const work = new Work();
  const told = await work.square(3);
  const error = await work.square(2).catch((thrown: unknown) => thrown);
  console.log(`${told}, OddError ${error instanceof OddError}`);
}
