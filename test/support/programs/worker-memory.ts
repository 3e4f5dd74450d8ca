// Sends an object to a worker and back, and says when neither is held any more. Needs --expose-gc.
import { Values } from '../../fixtures/workers/values.js';

const collect = (globalThis as { gc?: () => void }).gc;
if (collect === undefined) throw new Error('run this with --expose-gc');

const values = new Values();

async function call(): Promise<WeakRef<object>[]> {
  const given = { bytes: new Uint8Array(1000) };
  return [new WeakRef(given), new WeakRef((await values.echo(given)) as object)];
}

const refs = await call();
for (let round = 0; round < 100 && refs.some((each) => each.deref() !== undefined); round++) {
  await new Promise((resolve) => setImmediate(resolve));
  collect();
}
console.log(refs.every((each) => each.deref() === undefined) ? 'freed' : 'held');
