// Calls a worker and ends; the argument says whether to shut down before, or at once: while the workers' code loads.
import { shutdown } from 'opero';
import { Calc } from '../../fixtures/workers/services.js';
import { liveWorkers } from '../live-workers.js';

const calc = new Calc();
const sum = calc.add(1, 2);
if (process.argv[2] === 'at once') {
  let isOver = false;
  sum.then(() => {
    isOver = true;
  });
  await shutdown();
  console.log(isOver, liveWorkers.size);
}
console.log(await sum);
if (process.argv[2] === 'shutdown') await shutdown();
const endedAt = performance.now();
process.on('exit', () => console.log(performance.now() - endedAt < 5000 ? 'ended' : 'lingered'));
