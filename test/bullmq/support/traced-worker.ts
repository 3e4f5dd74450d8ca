// Serves Traced in a process of its own, with OpenTelemetry, until it is told to end.
import { serve } from 'opero/bullmq';
import { Traced } from './traced.js';

const worker = serve(new Traced(), { concurrency: 10 });
process.on('message', () => worker.close());
await worker.ready;
process.send?.({ what: 'ready' });
await worker.closed;
process.disconnect?.();
