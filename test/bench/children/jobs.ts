// Serves the jobs of the bench, those of opero and those of a plain queue, until it is killed. Asked for a number, it tells when
// it has ended so many more of the plain queue.
import { Worker } from 'bullmq';
import { serve } from 'opero/bullmq';
import { byHand, connection, newEcho } from '../rows/jobs-echo.js';

const options = { concurrency: 50, removeOnComplete: { age: 600, count: 20_000 } };
const served = serve(newEcho(), { connection, ...options });
const plain = new Worker<number>(byHand, async ({ data }) => data, { connection: connection(), ...options });
let left = 0;
plain.on('completed', () => {
  if (--left === 0) process.send?.('ended');
});
process.on('message', (count: number) => {
  left = count;
  process.send?.('counting');
});
await Promise.all([served.ready, plain.waitUntilReady()]);
process.send?.('ready');
