import { cpSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { root } from './pages.js';

/** Another copy of opero, as a program has it whose packages bring one of their own. Each name gives another. */
export async function copyOfOpero(name: string): Promise<typeof import('opero')> {
  const folder = join(root, 'build', 'copies', name);
  rmSync(folder, { recursive: true, force: true });
  cpSync(join(root, 'dist'), folder, { recursive: true });
  return (await import(pathToFileURL(join(folder, 'index.js')).href)) as typeof import('opero');
}
