/** `configure` changes policies while the program runs; `configureFrom` takes them by name, as a file has them. */
import { setTimeout as sleep } from 'node:timers/promises';
import { concurrency, configure, configureFrom, explain, policiesOf, retry, statsOf, unusedConfiguration } from 'opero';

class Weather {
  @retry({ maxAttempts: 3, waitMin: 5, rethrow: false })
  @concurrency(1)
  async forecast(city: string): Promise<string> {
    await sleep(10);
    if (city === 'Nowhere') throw new Error('no such city');
    return `sun in ${city}`;
  }
}

// More at once: those in line go in now.
const weather = new Weather();
const forecasts = ['Bern', 'Chur', 'Davos'].map((city) => weather.forecast(city));
console.log('queued:', statsOf(Weather, 'forecast').queued);
const restore = configure(Weather, 'forecast', { concurrency: 3 });
console.log('queued:', statsOf(Weather, 'forecast').queued);
console.log((await Promise.all(forecasts)).join(', '));
restore();

// During an incident nothing is tried again; at the end of the block it is as it was.
{
  using _incident = configure(Weather, '*', { retry: false });
  await weather.forecast('Nowhere').catch((error: Error) => console.log(error.message));
}
await weather.forecast('Nowhere').catch((error: Error) => console.log(error.message));

// From a file or the environment.
const settings = JSON.parse('{ "Weather.forecast": { "retry": { "maxAttempts": 5 } }, "Tides.*": { "retry": 2 } }');
configureFrom(settings);
const [first] = policiesOf(Weather, 'forecast');
console.log(first?.kind, first?.options.maxAttempts, first?.options.waitMin, first?.configured);
console.log('not used:', unusedConfiguration());
console.log(explain(Weather).split('\n').at(-1)?.trim());
