/** `@orchestrate` puts several policies on a method at once; their order in the pipeline is fixed. */
import { orchestrate, policiesOf, statsOf } from 'opero';

class Weather {
  #calls = 0;

  @orchestrate({
    concurrency: 2,
    rateLimit: { rate: 20, per: 100 },
    retry: { maxAttempts: 2, waitMin: 5 },
    fallback: ['cached'],
  })
  async forecast(city: string): Promise<string> {
    if (++this.#calls > 1) throw new Error('the station is silent');
    return `sun in ${city}`;
  }

  async cached(city: string): Promise<string> {
    return `sun in ${city}, yesterday`;
  }
}

const weather = new Weather();
console.log(await weather.forecast('Davos'));
console.log(await weather.forecast('Chur'));

const kinds = policiesOf(Weather, 'forecast').map(({ kind }) => kind);
console.log('pipeline:', kinds.join(' > '));
const { calls, attempts, retries, fallbacks } = statsOf(Weather, 'forecast');
console.log(`calls ${calls}, attempts ${attempts}, retries ${retries}, fallbacks ${fallbacks}`);
