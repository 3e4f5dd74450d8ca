/** `@chaos` does something to attempts on purpose, once it is switched on, to see what becomes of the calls. */
import { chaos, configure, fallback, retry, statsOf, TimeoutError, timeout } from 'opero';

/** Random numbers that are the same in each run; without `random` it is Math.random. */
let seed = 7;
const random = (): number => {
  seed = (seed * 48_271) % 2_147_483_647;
  return seed / 2_147_483_647;
};

class Weather {
  @fallback({ alternatives: ['yesterday'], on: Error })
  @timeout({ attempt: 50 })
  @retry({ maxAttempts: 2, waitMin: 1, abortOn: TimeoutError })
  @chaos({ rate: 0.6, error: () => new Error('injected'), random })
  async forecast(city: string): Promise<string> {
    return `sun in ${city}`;
  }

  async yesterday(city: string): Promise<string> {
    return `sun in ${city}, yesterday`;
  }

  @timeout({ attempt: 20 })
  @chaos({ latency: 60_000 })
  async warnings(): Promise<string[]> {
    return [];
  }
}

const weather = new Weather();
// It is off at first.
console.log(await weather.forecast('Davos'));

// A drill for all methods that have it, until the end of the block.
{
  using _drill = chaos.enable();
  let stale = 0;
  for (let call = 0; call < 20; call++) if ((await weather.forecast('Davos')).endsWith('yesterday')) stale++;
  const { attempts, injected } = statsOf(weather, 'forecast');
  console.log(`drill: ${stale} of 20 from yesterday, ${attempts - 1} attempts, ${injected} injected`);
}

// Or for one method, with other options: here one city fails, whatever is drawn.
{
  using _outage = configure(Weather, 'forecast', {
    chaos: { rate: 1, error: (city: string) => (city === 'Davos' ? new Error('injected') : undefined) },
  });
  const [davos, chur] = [await weather.forecast('Davos'), await weather.forecast('Chur')];
  console.log(`Davos: ${davos}; Chur: ${chur}`);
}

const restore = configure(Weather, 'warnings', { chaos: {} });
await weather.warnings().catch((error: Error) => console.log(`slow: ${error.name}`));
restore();
console.log(await weather.forecast('Davos'));
