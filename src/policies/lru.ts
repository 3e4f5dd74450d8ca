import { createRequire } from 'node:module';
import type { LRUCache } from 'lru-cache';

let loaded: typeof LRUCache | undefined;

/** The class of maps that drop what was not used for longest. Its package is loaded with the first value that is kept. */
export function lruClass(): typeof LRUCache {
  loaded ??= (createRequire(import.meta.url)('lru-cache') as { readonly LRUCache: typeof LRUCache }).LRUCache;
  return loaded;
}
