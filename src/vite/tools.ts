import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

interface Transformed {
  readonly code: string;
  readonly map: string;
}

/** The part of esbuild that is used. */
export interface Esbuild {
  readonly version: string;
  transform(code: string, options: Readonly<Record<string, unknown>>): Promise<Transformed>;
}

/** vite's own compiler of TypeScript, which vite 8 has, and none before it. */
export type TransformWithOxc = (
  code: string,
  file: string,
  options: Readonly<Record<string, unknown>>,
  inMap: undefined,
  config: object,
) => Promise<{ readonly code: string; readonly map: unknown }>;

interface Vite {
  readonly transformWithOxc?: TransformWithOxc;
}

/** The compilers. Without `esbuild` there is nothing to do; without `oxc` there is no vite to ask. */
export interface LoadedTools {
  readonly esbuild?: Esbuild;
  readonly oxc?: TransformWithOxc;
}

/** Finds esbuild and vite as the project has them; under a vite that compiles decorators itself, before vite 8, neither. */
export async function loadTools(root: string): Promise<LoadedTools> {
  const vite = await load<Vite>(root, ['vite'], ['vitest', 'vite']);
  if (vite !== undefined && vite.transformWithOxc === undefined) return {};
  const esbuild = await load<Esbuild>(root, ['esbuild']);
  if (esbuild === undefined) {
    throw new Error('opero/vite compiles decorators by esbuild, which is missing: npm install --save-dev esbuild');
  }
  if (isOld(esbuild.version)) {
    throw new Error(
      `opero/vite needs esbuild 0.21.5 or newer, found ${esbuild.version}: npm install --save-dev esbuild`,
    );
  }
  return vite?.transformWithOxc === undefined ? { esbuild } : { esbuild, oxc: vite.transformWithOxc };
}

/** The first that keeps metadata as opero reads it. */
const oldest = [0, 21, 5];

function isOld(version: string): boolean {
  const parts = version.split('.', 3).map((part) => Number.parseInt(part, 10));
  const at = oldest.findIndex((least, index) => parts[index] !== least);
  return at !== -1 && (parts[at] ?? 0) < (oldest[at] ?? 0);
}

/**
 * A package that the project has, or that opero finds. Each way leads there by way of the packages before it, as strict package
 * managers hide what a project does not name itself.
 */
async function load<Module>(root: string, ...ways: readonly string[][]): Promise<Module | undefined> {
  for (const from of [join(root, 'package.json'), import.meta.url]) {
    for (const way of ways) {
      const path = resolveAlong(from, way);
      if (path !== undefined) return (await import(pathToFileURL(path).href)) as Module;
    }
  }
  return undefined;
}

function resolveAlong(from: string, way: readonly string[]): string | undefined {
  try {
    return way.reduce((at, name) => createRequire(at).resolve(name), from);
  } catch {
    return undefined;
  }
}
