import { type Restore, restoring } from './restore.js';
import { Skipping } from './skipping.js';

let users = 0;
let skipping: Skipping | undefined;

/**
 * Waits take no time: those of retries and rate limits, and `halfOpenAfter` of circuits; hedges start on failures only. Order, counts and limits stay as
 * they are. The clock of opero moves on by what is skipped, so that it counts towards `maxElapsed`, `maxWait` and
 * `timeout.total`; no other clock does. What the methods themselves do takes the time that it takes, and so does the wait
 * for a slot that work holds, and a wait that has begun already; deadlines on that do not come sooner. With fake timers and without.
 *
 * @returns What has waits take their time again. Several may overlap: the last one that ends counts.
 * @throws Nothing.
 * @example
 * using _ = withoutWaits();
 * await weather.forecast('Davos'); // four attempts, and no wait between them
 */
export function withoutWaits(): Restore {
  users++;
  skipping ??= new Skipping();
  return restoring(() => {
    if (--users > 0) return;
    skipping?.end();
    skipping = undefined;
  });
}
