import { createRequire } from 'node:module';
import type { Sema } from 'async-sema';

let loaded: typeof Sema | undefined;

/** The class of semaphores. Its package is loaded with the first limiter: at import it would take a fifth of the time. */
export function semaClass(): typeof Sema {
  loaded ??= (createRequire(import.meta.url)('async-sema') as { readonly Sema: typeof Sema }).Sema;
  return loaded;
}
