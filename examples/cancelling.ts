/** A signal among the arguments governs the whole call: waiting for a slot, waiting for a retry, and running. */
import { setTimeout as sleep } from 'node:timers/promises';
import { concurrency, currentCall, retry } from 'opero';

class Downloads {
  @retry({ maxAttempts: 5, waitMin: 10_000, jitter: 'none' })
  async fetch(url: string, options?: { signal?: AbortSignal }): Promise<string> {
    const { attempt, signal } = currentCall(); // before the first `await`
    console.log(`${url}: attempt ${attempt}, ${signal === options?.signal ? 'the signal of the caller' : 'no signal'}`);
    throw new Error('the line is down');
  }

  @concurrency(1)
  async save(name: string, signal?: AbortSignal): Promise<string> {
    await sleep(50, undefined, { signal });
    return `saved ${name}`;
  }
}

const downloads = new Downloads();

const cancel = new AbortController();
const page = downloads.fetch('/page', { signal: cancel.signal });
setTimeout(() => cancel.abort(new Error('the user left')), 20);
await page.catch((error: Error) => console.log(`while it waited for a retry: ${error.message}`));

const first = downloads.save('one');
const second = downloads.save('two', AbortSignal.timeout(5));
const third = downloads.save('three');
await second.catch((error: Error) => console.log(`while it waited for a slot: ${error.name}`));
console.log(await first);
console.log(await third);
