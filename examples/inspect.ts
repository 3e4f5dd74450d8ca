/** What is in force on a method, where it comes from, and what it has done so far. */
import { concurrency, explain, policiesOf, rateLimit, retry, statsOf } from 'opero';

class Weather {
  #calls = 0;

  @retry({ maxAttempts: 4, waitMin: 5, jitter: 'none' })
  @rateLimit(50)
  async forecast(city: string): Promise<string> {
    if (++this.#calls < 3) throw new Error('no answer');
    return `sun in ${city}`;
  }
}

class AlpineWeather extends Weather {
  @concurrency(3)
  override async forecast(city: string): Promise<string> {
    return super.forecast(`${city}, alps`);
  }
}

console.log(explain(AlpineWeather));

const [outermost] = policiesOf(AlpineWeather, 'forecast');
console.log(outermost?.kind, outermost?.options.waitMax, outermost?.declaredBy === Weather);

console.log(await new AlpineWeather().forecast('Davos'));
console.log(statsOf(AlpineWeather, 'forecast'));
console.log('calls on the base class:', statsOf(Weather, 'forecast').calls);
