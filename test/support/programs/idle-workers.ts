// Calls a worker and ends; the argument says whether to shut down before.
import { shutdown } from 'opero';
import { Calc } from '../../fixtures/workers/services.js';

const calc = new Calc();
console.log(await calc.add(1, 2));
if (process.argv[2] === 'shutdown') await shutdown();
const endedAt = performance.now();
process.on('exit', () => console.log(performance.now() - endedAt < 5000 ? 'ended' : 'lingered'));
