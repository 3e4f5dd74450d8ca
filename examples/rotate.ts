/** `rotate` runs a method that failed again with another host, key or model. */
import { AllFailedError, circuitBreaker, circuitOf, fallback, retry } from 'opero';

const hosts = ['eu.example', 'us.example'] as const;
type Host = (typeof hosts)[number];

class Weather {
  /** The host that is given first, then the others. A host that keeps failing has a circuit of its own. */
  @fallback({ rotate: { argument: 1, values: hosts } })
  @retry({ maxAttempts: 2, waitMin: 1, abortOn: RangeError })
  @circuitBreaker(1)
  async forecast(city: string, host: Host): Promise<string> {
    console.log(`${host}: forecast of ${city}`);
    if (host === 'eu.example') throw new RangeError('no answer');
    return `sun in ${city}, says ${host}`;
  }
}

const weather = new Weather();
console.log(await weather.forecast('Davos', 'eu.example'));
const stateOf = (host: Host): string => `${host} is ${circuitOf(Weather, 'forecast', host).state}`;
console.log(hosts.map(stateOf).join(', '));
console.log(await weather.forecast('Chur', 'eu.example'));

class Search {
  readonly #left = new Map([
    ['one', 2],
    ['two', 1],
    ['three', 1],
  ]);

  /** Each call begins with the key after that of the call before, and goes on to the others where that is used up. */
  @fallback({ rotate: { argument: [0, 'apiKey'], values: ['one', 'two', 'three'], start: 'next' } })
  async find({ apiKey = '' }: { text: string; apiKey?: string }): Promise<string> {
    const left = this.#left.get(apiKey) ?? 0;
    if (left === 0) throw new Error(apiKey);
    this.#left.set(apiKey, left - 1);
    return apiKey;
  }
}

const search = new Search();
const used: string[] = [];
for (const text of ['snow', 'ice', 'rain', 'fog']) used.push(await search.find({ text }));
console.log(used.join(' '));
try {
  await search.find({ text: 'wind' });
} catch (error) {
  if (!(error instanceof AllFailedError)) throw error;
  console.log('every key is used up:', error.errors.map((each: Error) => each.message).join('; '));
}
