// Waits for calls at its top level, where its exports cannot be had, and makes one more when that is over.
import { fileURLToPath } from 'node:url';
import { isMainThread } from 'node:worker_threads';
import { cpuBound } from 'opero';

export class LateError extends Error {}

export class Work {
  @cpuBound(import.meta.url, { maxWorkers: 1 })
  async fail(): Promise<void> {
    throw new LateError('late');
  }
}

if (isMainThread && process.argv[1] === fileURLToPath(import.meta.url)) {
  const work = new Work();
  const isLate = (): Promise<boolean> =>
    work.fail().then(
      () => false,
      (error: unknown) => error instanceof LateError,
    );
  console.log(await isLate());
  const beganAt = performance.now();
  for (let i = 0; i < 10; i++) await isLate();
  const took = performance.now() - beganAt;
  console.log(took < 1500 ? 'waited once' : `ten calls took ${took} ms`);
  setTimeout(async () => console.log(await isLate()));
}
