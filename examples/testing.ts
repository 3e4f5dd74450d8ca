/** How a test skips waits, has attempts fail, leaves the policies out, and begins anew. */
import { fallback, rateLimit, retry, statsOf } from 'opero';
import { failTimes, resetState, withoutPolicies, withoutWaits } from 'opero/testing';

class Weather {
  @retry({ maxAttempts: 3, waitMin: 60_000 })
  @rateLimit({ rate: 1, per: 60_000 })
  @fallback('cached')
  async forecast(city: string): Promise<string> {
    return `sun in ${city}`;
  }

  async cached(city: string): Promise<string> {
    return `sun in ${city}, yesterday`;
  }
}

const weather = new Weather();
const tell = async (): Promise<void> => {
  const forecast = await weather.forecast('Davos').catch(String);
  console.log(forecast, '- attempts:', statsOf(Weather, 'forecast').attempts);
};

const waits = withoutWaits();
failTimes(weather, 'forecast', 2, new Error('offline'));
await tell();
failTimes(weather, 'forecast', 3, (n) => new Error(`failure ${n}`));
await tell();
waits.restore();

resetState(Weather);
await tell();

{
  using _ = withoutPolicies(Weather, 'forecast');
  failTimes(Weather, 'forecast', 1, new Error('offline'));
  await tell();
}
