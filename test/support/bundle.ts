import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type BuildOptions, build } from 'esbuild';
import { root } from './pages.js';
import { type Ended, runNode } from './run-program.js';

/** A folder where programs find opero as a package; `rm` takes it away. */
export function makeFolder(): { readonly path: string; readonly rm: () => void } {
  const path = mkdtempSync(join(realpathSync(tmpdir()), 'opero-program-'));
  mkdirSync(join(path, 'node_modules'));
  symlinkSync(root, join(path, 'node_modules', 'opero'), 'junction');
  write(path, { 'package.json': '{ "type": "module" }' });
  return { path, rm: () => rmSync(path, { recursive: true, force: true }) };
}

/** Bundles a program in TypeScript into one file, without its packages; gives the file. */
export async function bundle(folder: string, name: string, contents: string, options: BuildOptions = {}) {
  const outfile = join(folder, name);
  await build({
    stdin: { contents, resolveDir: join(root, 'build'), loader: 'ts' },
    outfile,
    bundle: true,
    packages: 'external',
    format: 'esm',
    platform: 'node',
    target: 'es2022',
    logLevel: 'silent',
    ...options,
  });
  return outfile;
}

/** Writes files into a folder; gives the path of the first. */
export function write(folder: string, files: Readonly<Record<string, string>>): string {
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
  return join(folder, Object.keys(files)[0] ?? '');
}

/** Runs Node; gives how it ended, and the lines that the program noted in the file that `LINES` names. */
export async function runNoting(folder: string, args: string[], input = ''): Promise<Ended & { lines: string[] }> {
  const file = join(folder, `lines-${Math.random()}`);
  writeFileSync(file, '');
  const ended = await runNode(args, input, { LINES: file });
  return { ...ended, lines: readFileSync(file, 'utf8').split('\n').slice(0, -1) };
}
