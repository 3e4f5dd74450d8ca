import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);
const root = fileURLToPath(new URL('../../..', import.meta.url));

/** Runs a program of `test/bench/children` in a process of its own; gives the number that it prints. */
export async function childNumber(name: string, ...args: string[]): Promise<number> {
  const file = fileURLToPath(new URL(`./children/${name}.js`, import.meta.url));
  const { stdout } = await run(process.execPath, ['--expose-gc', file, ...args], { timeout: 120_000 });
  return Number(stdout);
}

/** How long a process of its own takes for the import of some modules, in milliseconds. */
export async function importTime(...modules: string[]): Promise<number> {
  const imports = modules.map((module) => `await import('${module}');`).join('');
  const code = `const begin = performance.now();${imports}console.log(performance.now() - begin)`;
  const { stdout } = await run(process.execPath, ['--input-type=module', '-e', code], { cwd: root });
  return Number(stdout);
}
