// Has a process do what its arguments say, and prints what became of the last of it.
import { type Deed, InProcess } from '../../fixtures/workers/mortal.js';

const inProcess = new InProcess();
const deeds = process.argv.slice(2) as Deed[];
for (const deed of deeds) {
  await inProcess.perform(deed).catch(({ message, cause }: Error) => {
    console.log(JSON.stringify({ message, cause: cause instanceof Error ? cause.message : 'none' }));
  });
}
