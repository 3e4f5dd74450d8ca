/**
 * npm run demo -- [--seed N] [--quick] [--json] [--view]: what policies do in one process, and the server saw of it.
 * npm run demo -- --redis [--json]: limits that four processes share in a Redis, which is killed on the way as one of them is.
 */
import { readOptions } from './options.js';

await (readOptions().redis ? import('./redis/main.js') : import('./one-process.js'));
