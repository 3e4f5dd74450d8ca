// Lives on while its worker process, which prints its id, is busy; or, told so, waits.
import { InProcess } from '../../fixtures/workers/leftovers.js';

const worker = new InProcess();
if (process.argv[2] === 'waiting') {
  console.log(await worker.pid());
  await worker.obey({ waits: true });
} else {
  await worker.hog();
}
