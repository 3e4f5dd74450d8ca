/**
 * Runs one test file, and is the reporter of the run too. A file that fails to load, a process that ends between its
 * tests and trouble after the last of them count as a failed test: for the TAP runner an exit code without a failed
 * test is no result at all, and no test at all is a success.
 */
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { resolve } from 'node:path';
import { tap } from 'node:test/reporters';
import { pathToFileURL } from 'node:url';

let points = 0;
let isComplete = false;

/** Node's TAP without its plan, which waits for the end of the process. */
export default async function* reporter(events) {
  for await (const text of tap(events)) {
    if (text.startsWith('1..')) {
      isComplete = points > 0;
    } else {
      if (/^(not )?ok /.test(text)) points++;
      yield text;
    }
  }
}

process.on('exit', (code) => {
  if (code !== 0 || !isComplete) process.stdout.write(`not ok ${++points} - the process ended with code ${code}\n`);
  process.stdout.write(`1..${points}\n`);
});

// In the run without mutants, which tells whom each test file meets: the mutants of the programs that it starts, too.
if (process.env.STRYKER_DRY_RUN === 'true') {
  const programs = resolve(`programs-${process.pid}.jsonl`);
  process.env.STRYKER_PROGRAMS = programs;
  process.env.NODE_OPTIONS = `--import=${new URL('program.mjs', import.meta.url)}`;
  process.prependListener('exit', () => {
    if (!existsSync(programs)) return;
    globalThis.__stryker__.mutantCoverage ??= { static: {}, perTest: {} };
    for (const line of readFileSync(programs, 'utf8').trim().split('\n')) {
      Object.assign(globalThis.__stryker__.mutantCoverage.static, JSON.parse(line));
    }
    rmSync(programs);
  });
}

const file = resolve(process.argv[2]);
// That a property fails is enough: to look for its smallest example takes long.
if (readFileSync(file, 'utf8').includes("'fast-check'")) {
  const { configureGlobal } = await import('fast-check');
  configureGlobal({ endOnFailure: true });
}
import(pathToFileURL(file).href).catch((error) => {
  console.error(error);
  process.exitCode = 1;
});
