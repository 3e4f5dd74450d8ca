// Becomes a worker process only once the channel to its parent has closed; and lives on, as one that has a call does.
import { once } from 'node:events';

setInterval(() => {}, 1000);
if (process.connected) await once(process, 'disconnect');
await import(new URL('./workers/entry.js', import.meta.resolve('opero')).href);
