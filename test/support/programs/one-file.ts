// One file that holds a cpuBound class and the program that calls it; its argument is the runtime.
import { fileURLToPath } from 'node:url';
import { isMainThread } from 'node:worker_threads';
import { cpuBound, Orchestrator } from 'opero';

export class OddError extends Error {}

const runtime = process.argv[2] === 'child_process' ? 'child_process' : 'worker_threads';
const isEntry = isMainThread && process.argv[1] === fileURLToPath(import.meta.url);

export class Work {
  @cpuBound(import.meta.url, { runtime, maxWorkers: 1, errors: [OddError] })
  async square(n: number): Promise<string> {
    if (n % 2 === 0) throw new OddError('even');
    return `ran ${isEntry ? 'on' : 'off'} the main thread: ${n * this.factor()}`;
  }

  factor(): number {
    return 3;
  }
}

export class Sub extends Work {
  override factor(): number {
    return 4;
  }
}

const twin = (factor: number) =>
  class extends Work {
    override factor(): number {
      return factor;
    }
  };
export const One = twin(1);
export const Two = twin(2);

export const double = (n: number): number => n * 2;

if (isEntry) {
  const work = new Work();
  const told = await work.square(3);
  const error = await work.square(2).catch((thrown: unknown) => thrown);
  console.log(`${told}, OddError ${error instanceof OddError}`);
  // This module is still being evaluated, so that its exports cannot be looked at: code tells.
  console.log(await new Sub().square(3));
  console.log(
    await new One().square(3).catch((thrown: Error) => /2 subclasses with the same code/.test(thrown.message)),
  );
  const orchestrator = new Orchestrator({ cpuBound: { module: import.meta.url, runtime, maxWorkers: 1 } });
  console.log(await orchestrator.execute(double, 4));
}
