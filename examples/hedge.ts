/** `@hedge` runs a slow method once more beside itself, and takes the answer that comes first. For what may run twice. */
import { setTimeout as sleep } from 'node:timers/promises';
import { concurrency, currentCall, hedge, statsOf } from 'opero';

class Weather {
  /** How long each run takes, in milliseconds; Infinity: it fails at once. */
  delays: number[] = [];

  @hedge({ delay: 40, onHedge: ({ hedge: nth, error }) => console.log(`hedge ${nth}`, error ?? 'as it is slow') })
  @concurrency(10)
  async forecast(city: string): Promise<string> {
    const { hedge: nth, signal } = currentCall();
    const delay = this.delays.shift();
    if (delay === Number.POSITIVE_INFINITY) throw `as run ${nth} found nobody`;
    signal?.addEventListener('abort', () => console.log(`run ${nth}: ${signal.reason.name}`));
    // Pass the signal on: a run that lost ends at once, and gives its slot back.
    await sleep(delay, undefined, { signal });
    return `sun in ${city}, by run ${nth}`;
  }
}

const weather = new Weather();
weather.delays = [0];
console.log(await weather.forecast('Davos'));
weather.delays = [60_000, 0];
console.log(await weather.forecast('Chur'));
weather.delays = [Number.POSITIVE_INFINITY, 0];
console.log(await weather.forecast('Bern'));
const { calls, attempts, hedges, hedgeWins, failures } = statsOf(weather, 'forecast');
console.log(`calls ${calls}, attempts ${attempts}, hedges ${hedges}, won ${hedgeWins}, failures ${failures}`);
