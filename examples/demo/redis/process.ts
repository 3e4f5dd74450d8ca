/** One of the four processes: it keeps calls of the service waiting, and serves jobs, until it is told to rest. */
import { setTimeout as sleep } from 'node:timers/promises';
import { statsOf } from 'opero';
import { serve } from 'opero/bullmq';
import { watchTimers } from '../late.js';
import { Crm, client, seen, store } from './crm.js';
import type { Order, Told } from './record.js';
import { lockDuration, Reports } from './reports.js';

/** How many calls wait at once. */
const depth = 12;
/** How long what is under way may take to end, in milliseconds. */
const patience = 10_000;

const port = Number(process.env.SERVER_PORT);
const tell = (told: Told): unknown => process.send?.(told);
const crm = new Crm(port);
const succeeded: number[] = [];
const failed: string[] = [];
let made = 0;
let fallbacks = 0;
let rests = false;

async function keepCalling(): Promise<void> {
  while (!rests) {
    const id = ++made;
    try {
      const { from } = await crm.customer(id);
      if (from === 'server') succeeded.push(id);
      else fallbacks++;
    } catch (error) {
      failed.push(String(error));
    }
  }
}

await client.connect();
const worker = serve(new Reports(port), {
  concurrency: 2,
  lockDuration,
  stalledInterval: 1000,
  maxStalledCount: 5,
});
await worker.ready;

let calling: Promise<unknown> = Promise.resolve();

/** Waits, but not for ever. */
const inTime = (work: Promise<unknown>): Promise<unknown> =>
  Promise.race([work, sleep(patience, undefined, { ref: false })]);

async function rest(): Promise<void> {
  rests = true;
  await inTime(calling);
  const { permits, slots, down, lost } = seen;
  const { attempts } = statsOf(Crm, 'customer');
  tell({ made, succeeded, fallback: fallbacks, failed, attempts, trips: { permits, slots }, down, lost });
  await inTime(worker.close().then(() => store.close()));
  process.disconnect?.();
}

let late = (): number => 0;
process.on('message', async (order: Order) => {
  if (order === 'call') calling = Promise.all(Array.from({ length: depth }, keepCalling));
  else if (order === 'rest') await rest();
  else if (order === 'tell') tell({ trip: seen.longest, late: late() });
  else {
    seen.longest = 0;
    late = watchTimers();
  }
});
process.on('disconnect', () => process.exit());
if (!process.connected) process.exit();
tell('ready');
