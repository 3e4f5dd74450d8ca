// Calls a method in a worker process where none can be started, and prints what that rejects with.
import { Two } from '../../fixtures/workers/pools.js';

process.execPath = '/nowhere';
await new Two().process().catch(({ message }: Error) => console.log(message.replace(/file:\S+(?=:)/, 'MODULE')));
