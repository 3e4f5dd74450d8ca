import { readFileSync, realpathSync } from 'node:fs';
import { createRequire } from 'node:module';
import { resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

/** The file behind a URL, whatever links lead there, as a URL without a query; other URLs as they are. */
export function realUrl(url: string): string {
  if (!/^file:/i.test(url)) return url;
  const file = new URL(url);
  file.search = '';
  file.hash = '';
  try {
    return pathToFileURL(realpathSync(fileURLToPath(file))).href;
  } catch {
    return file.href;
  }
}

/** Flags after which the program is their text, and no file. */
const textFlags = /^(-e|--eval|-p|--print|-pe)(=|$)/;

/**
 * The file that Node was started with, as a URL: the program's own entry. Undefined for a program that is a text. Links,
 * a missing extension and the main file of a folder are looked up as Node does.
 */
export function programUrl(): string | undefined {
  const [, entry] = process.argv;
  if (entry === undefined || process.execArgv.some((flag) => textFlags.test(flag))) return undefined;
  if (process.execArgv.includes('--entry-url')) return realUrl(new URL(entry, `${pathToFileURL(process.cwd())}/`).href);
  const path = resolve(entry);
  // tsx takes the name of what a file compiles to as well.
  const file = find(path) ?? find(path.replace(/\.([cm]?)jsx?$/, '.$1ts'));
  return file && realUrl(pathToFileURL(file).href);
}

function find(path: string): string | undefined {
  try {
    return createRequire(import.meta.url).resolve(path);
  } catch {
    return undefined;
  }
}

/** Whether this is no file of opero's package any more: a bundle that holds opero has no file for workers beside it. */
export function isBundled(): boolean {
  try {
    const manifest = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as object;
    return (manifest as { name?: unknown }).name !== 'opero';
  } catch {
    return true;
  }
}
