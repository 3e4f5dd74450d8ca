// Serves Crm in a process of its own, and tells its parent what its methods do. Arguments: the options of serve, as JSON.
import { serve } from 'opero/bullmq';
import { Crm, connection } from './crm.js';

const { name, ...options } = JSON.parse(process.argv[2] ?? '{}');

let leave: (() => void) | undefined;
const until = new Promise<void>((resolve) => {
  leave = resolve;
});
const tell = (message: unknown): void => void (process.connected && process.send?.(message));

const crm = new Crm(name, (what, jobId) => tell({ what, jobId }), until);
const worker = serve(crm, { connection, ...options });

process.on('message', (order) => {
  if (order === 'leave') leave?.();
  if (order === 'close') worker.close();
});
await worker.ready;
tell({ what: 'ready' });
await worker.closed;
process.disconnect?.();
