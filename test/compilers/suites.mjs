import { cpSync, mkdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { suites as suitesOfBoth, writeOldSources } from '../support/old-form.mjs';
import { here, out, run } from './compile.mjs';

const tests = join(here, '..');

/** The suites about what is in force where, which hold under every compiler. */
const suites = ['class-level', 'definition', 'foreign', 'inheritance', 'register', 'spies'];
export const suiteFiles = suites.map((name) => join(tests, 'core', `${name}.test.ts`));

/** Compiles these suites; gives the compiled files. */
export async function compileSuites(compiler, name) {
  const folder = join(out, `suites-${name.replace(/\W+/g, '-')}`);
  const sources = join(folder, 'sources');
  cpSync(join(tests, 'support'), join(sources, 'support'), { recursive: true });
  mkdirSync(join(sources, 'core'), { recursive: true });
  for (const file of suiteFiles) cpSync(file, join(sources, 'core', basename(file)));
  for (const part of ['core', 'support']) await compiler(join(sources, part), join(folder, part));
  return suiteFiles.map((file) => join(folder, 'core', basename(file).replace(/\.ts$/, '.js')));
}

/** Compiles those that hold in both forms, in the old one; gives the compiled files. */
export async function compileOldSuites(compiler, name) {
  const folder = join(out, `old-suites-${name.replace(/\W+/g, '-')}`);
  const sources = join(folder, 'sources');
  writeOldSources(sources);
  for (const part of ['core', 'support']) await compiler(join(sources, part), join(folder, part));
  return suitesOfBoth.map((suite) => join(folder, 'core', `${suite}.test.js`));
}

/** Runs test files; gives what went wrong, or nothing. */
export async function runSuites(files, args = []) {
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  const { code, output } = await run([...args, '--test', '--test-reporter=spec', ...files], { env });
  return code === 0 ? '' : output;
}
