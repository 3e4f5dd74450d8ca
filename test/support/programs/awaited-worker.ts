// Nothing but the awaited calls to workers, the second one in a queue, keeps the program alive.
import { shutdown } from 'opero';
import { InThread } from '../../fixtures/workers/mortal.js';

const thread = new InThread();
console.log(await thread.alone('live'));
console.log((await Promise.all([thread.alone('live'), thread.alone('live')])).join(' '));
await shutdown();
console.log(await thread.alone('live'));
