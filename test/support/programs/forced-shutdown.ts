// Shuts down with a call under way that never ends; its argument is the method.
import { shutdown } from 'opero';
import { Endless } from '../../fixtures/workers/endless.js';

const name = process.argv[2] === 'process' ? 'loopInProcess' : 'loop';
new Endless()[name]().catch((error: Error) => console.log(error.message));
await shutdown({ timeout: 20 });
console.log('ended');
