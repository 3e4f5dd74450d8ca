// One of several processes that call, by opero or by BullMQ's own means: asked for a number, it makes so many calls, 100 at once.
import { processAll } from 'opero';
import pMap from 'p-map';
import { newEcho, waitingByHand } from '../rows/jobs-echo.js';

const isByHand = process.argv[2] === 'by-hand';
const echo = newEcho();
const call = isByHand ? (await waitingByHand()).call : undefined;

process.on('message', async (count: number) => {
  const values = Array.from({ length: count }, (_, at) => at);
  if (call === undefined) await processAll(echo, 'echo', values, { concurrency: 100 });
  else await pMap(values, call, { concurrency: 100 });
  process.send?.('done');
});
process.send?.('ready');
