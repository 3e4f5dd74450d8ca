// Calls a method in a worker where none may be started, and prints what that rejects with.
import { syncBuiltinESMExports } from 'node:module';
import workerThreads from 'node:worker_threads';
import { Calc } from '../../fixtures/workers/services.js';

workerThreads.Worker = class {
  constructor() {
    throw new Error('no workers here');
  }
} as never;
syncBuiltinESMExports();
await new Calc().add(1, 2).catch((error: unknown) => console.log(String(error).replace(/file:\S+(?=:)/, 'MODULE')));
