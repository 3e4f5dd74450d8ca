import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);
const root = fileURLToPath(new URL('../../..', import.meta.url));

/** Runs a program of `test/bench/children` in a process of its own; gives the number that it prints. */
export const childNumber = (name: string, ...args: string[]): Promise<number> => childNumberUnder([], name, ...args);

/** The same, with options for Node. */
export async function childNumberUnder(nodeArgs: string[], name: string, ...args: string[]): Promise<number> {
  const file = fileURLToPath(new URL(`./children/${name}.js`, import.meta.url));
  const { stdout } = await run(process.execPath, ['--expose-gc', ...nodeArgs, file, ...args], { timeout: 120_000 });
  return Number(stdout);
}

/** How long a process of its own takes for the import of some modules, in milliseconds. */
export async function importTime(...modules: string[]): Promise<number> {
  const imports = modules.map((module) => `await import('${module}');`).join('');
  const code = `const begin = performance.now();${imports}console.log(performance.now() - begin)`;
  const { stdout } = await run(process.execPath, ['--input-type=module', '-e', code], { cwd: root });
  return Number(stdout);
}
