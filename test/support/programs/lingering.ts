// Uses what could hold a finished program, and prints for how many milliseconds it stayed after its last line.
import { concurrency, fallback, rateLimit, retry, timeout } from 'opero';

const minute = 60_000;

class Api {
  @fallback({ value: 'nothing' })
  @retry({ maxAttempts: 2, waitMin: minute })
  @rateLimit({ rate: 2, per: minute, maxWait: minute })
  @concurrency({ limit: 1, maxWait: minute })
  async get(_id: number, _signal?: AbortSignal): Promise<string> {
    return 'got';
  }

  @rateLimit({ rate: 1, per: minute, key: (id: number) => String(id) })
  async keyed(id: number): Promise<number> {
    return id;
  }

  @retry({ waitMin: minute, jitter: 'none' })
  async fails(_signal: AbortSignal): Promise<void> {
    throw new Error('always');
  }

  @timeout({ attempt: minute, total: minute })
  async bounded(): Promise<void> {}

  @timeout({ attempt: 20, total: minute })
  async abandoned(): Promise<void> {
    await new Promise(() => {});
  }

  /** Holds a slot for ever, with nothing beneath it that would keep a program alive. */
  @concurrency({ limit: 1 })
  async never(): Promise<void> {
    await new Promise(() => {});
  }
}

const api = new Api();
const settled = (promises: Promise<unknown>[]) => Promise.allSettled(promises);
const controller = new AbortController();

await settled([api.get(0), api.get(1), api.keyed(1), api.keyed(2)]);
// These wait, in a queue and for a retry, until they are aborted.
const waiting = settled([api.get(2, controller.signal), api.get(3, controller.signal), api.fails(controller.signal)]);
await new Promise((resolve) => setImmediate(resolve));
controller.abort();
for (const { status } of await waiting)
  if (status !== 'rejected') throw new Error('expected every wait to be cut short');
await settled([api.bounded(), api.abandoned(), api.bounded()]);
void api.never();

const lastLine = performance.now();
process.on('exit', () => console.log(performance.now() - lastLine));
