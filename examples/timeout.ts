/** `@timeout` ends attempts and calls that take too long; what listens to its signal ends with them. */
import { setTimeout as sleep } from 'node:timers/promises';
import { currentCall, fallback, retry, statsOf, TimeoutError, timeout } from 'opero';

class Weather {
  /** How long each attempt takes, in milliseconds. */
  delays: number[] = [];

  @fallback('cached')
  @retry({ maxAttempts: 3, waitMin: 1, retryOn: [TimeoutError] })
  @timeout({ attempt: 40, total: 10_000 })
  async forecast(city: string): Promise<string> {
    const { attempt, signal } = currentCall();
    signal?.addEventListener('abort', () => console.log(`attempt ${attempt}: ${signal.reason.name}`));
    await sleep(this.delays.shift(), undefined, { signal });
    return `sun in ${city}, at attempt ${attempt}`;
  }

  async cached(city: string): Promise<string> {
    const { error } = currentCall();
    return `sun in ${city}, yesterday (${(error as Error).message})`;
  }

  @timeout({ total: 40 })
  @retry({ waitMin: 30_000, jitter: 'none' })
  async once(): Promise<never> {
    throw new Error('no answer');
  }
}

const weather = new Weather();
weather.delays = [60_000, 0];
console.log(await weather.forecast('Davos'));
weather.delays = [60_000, 60_000, 60_000];
console.log(await weather.forecast('Chur'));
// A wait that would end after the time in all is not begun.
console.log(await weather.once().catch((error: Error) => error.message));
const { attempts, timeouts, failures } = statsOf(weather, 'forecast');
console.log(`attempts ${attempts}, timeouts ${timeouts}, failures ${failures}`);
