import { createRequire } from 'node:module';

/**
 * A module of Node's own, loaded when it is needed: to import them all takes as long as to import the rest of opero.
 * Node 21, and 22 before 22.3, can only require them.
 */
export const node = (process.getBuiltinModule ?? createRequire(import.meta.url)) as typeof process.getBuiltinModule;
