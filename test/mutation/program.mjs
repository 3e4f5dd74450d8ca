/** Loaded into each program that a test file starts: tells that file which mutants the program has met. */
import { appendFileSync } from 'node:fs';
import { isMainThread } from 'node:worker_threads';

if (isMainThread) {
  process.on('exit', () => {
    const { mutantCoverage } = globalThis.__stryker__ ?? {};
    appendFileSync(process.env.STRYKER_PROGRAMS, `${JSON.stringify(mutantCoverage?.static ?? {})}\n`);
  });
}
