// Says whether calls are held whose callers have left, and whose code never ends. Needs --expose-gc.
import { drain, retry, timeout } from 'opero';

const collect = (globalThis as { gc?: () => void }).gc;
if (collect === undefined) throw new Error('run this with --expose-gc');

class Hanging {
  @retry(2)
  async retried(_large: object, _signal: AbortSignal): Promise<void> {
    await new Promise(() => {});
  }
  @timeout(1_000_000)
  async timed(_large: object, _signal: AbortSignal): Promise<void> {
    await new Promise(() => {});
  }
}

async function leave(name: 'retried' | 'timed'): Promise<WeakRef<object>> {
  const large = {};
  const caller = new AbortController();
  const call = new Hanging()[name](large, caller.signal);
  caller.abort();
  await call.catch(() => {});
  return new WeakRef(large);
}

const refs = [await leave('retried'), await leave('timed')];
const isHeld = (): boolean => refs.some((ref) => ref.deref() !== undefined);
for (let round = 0; round < 100 && isHeld(); round++) {
  await new Promise((resolve) => setImmediate(resolve));
  collect();
}
console.log(isHeld() ? 'held' : 'gone', await drain({ timeout: 0 }));
