/** Calls a method that writes more in its worker than a pipe holds; then ends by itself, or by `process.exit()`. */
import { isMainThread } from 'node:worker_threads';
import { cpuBound } from 'opero';

export class Writer {
  @cpuBound(import.meta.url)
  async write(lines: number): Promise<void> {
    process.stdout.write('a line of a worker\n'.repeat(lines));
  }
}

if (isMainThread) {
  const [, , lines, end] = process.argv;
  await new Writer().write(Number(lines));
  if (end === 'exit') process.exit();
}
