// Exits while its worker process is busy.
import { statsOf } from 'opero';
import { Two } from '../../fixtures/workers/pools.js';

const two = new Two();
console.log(await two.process());
void two.busy();
setInterval(() => {
  if (statsOf(two, 'busy').running === 1) setTimeout(() => process.exit(0), 50);
}, 1);
