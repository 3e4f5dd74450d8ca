import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import * as workerThreads from 'node:worker_threads';

/**
 * Has TypeScript modules loaded as the program has: a program run by tsx runs it in its main thread only, where Node is
 * too old to tell a worker from the thread of the module hooks.
 */
export async function loadLikeMain(module: string): Promise<void> {
  if (workerThreads.isMainThread || 'isInternalThread' in workerThreads || !/\.[cm]?tsx?$/.test(module)) return;
  const api = apiOf([...process.execArgv, ...(process.env.NODE_OPTIONS ?? '').split(/\s+/)]);
  if (api === undefined) return;
  const { register } = (await import(api)) as { register(): unknown };
  register();
}

/** Where tsx's own way to be switched on is, if it stands among the arguments of Node. */
function apiOf(args: readonly string[]): string | undefined {
  const imported = args.map((each) => each.replace(/^--import=/, ''));
  const loader = imported.find((each) => /[\\/]tsx[\\/]dist[\\/](esm[\\/]index|loader)\.mjs$/.test(each));
  if (loader !== undefined) return inside(/^file:/.test(loader) ? loader : pathToFileURL(loader).href);
  if (!imported.some((each) => /^tsx(\/esm)?$/.test(each))) return undefined;
  return inside(pathToFileURL(createRequire(join(process.cwd(), 'index.js')).resolve('tsx')).href);
}

const inside = (url: string): string => url.replace(/\/tsx\/dist\/.*$/, '/tsx/dist/esm/api/index.mjs');
