// Says whether a class that nothing but the list of methods could hold is held, and listed. Needs --expose-gc.
import { methods, recordLatency, retry } from 'opero';

const collect = (globalThis as { gc?: () => void }).gc;
if (collect === undefined) throw new Error('run this with --expose-gc');

const isListed = (): boolean => methods().some(({ className }) => className === 'Passing');

recordLatency(true);
async function use(): Promise<WeakRef<object>> {
  class Passing {
    @retry(2)
    async go(): Promise<void> {}
  }
  await new Passing().go();
  if (!isListed()) throw new Error('it is not listed');
  return new WeakRef(Passing);
}

const ref = await use();
for (let round = 0; round < 100 && (ref.deref() !== undefined || isListed()); round++) {
  await new Promise((resolve) => setImmediate(resolve));
  collect();
}
console.log(ref.deref() === undefined && !isListed() ? 'gone' : 'held');
