/** What is told of calls as they happen; how all methods do; and the end of all that is under way. */
import { concurrency, drain, fallback, logTo, methods, on, recordLatency, retry } from 'opero';

class Weather {
  #calls = 0;

  @retry({ maxAttempts: 2, waitMin: 5, jitter: 'none' })
  @concurrency(1)
  @fallback('cached')
  async forecast(city: string): Promise<string> {
    if (++this.#calls < 3) throw new Error('no answer');
    return `sun in ${city}`;
  }

  async cached(city: string): Promise<string> {
    return `old sun in ${city}`;
  }
}

const weather = new Weather();
recordLatency(true);
using _ = on('*', (event) => {
  if (event.type === 'retry') console.log(`attempt ${event.attempt} failed: ${event.error}`);
  if (event.type === 'fallback') console.log(`falls back on ${event.alternative}`);
  if (event.type === 'call') console.log(`${event.outcome} by ${event.fallback ? 'a fallback' : 'the method'}`);
});
using __ = logTo({ info: ({ event, count }) => console.log(`a line of log: ${event}, ${count}`) }, { level: 'info' });

await weather.forecast('Davos');
void weather.forecast('Bern');
console.log('left:', await drain());
const [entry] = methods();
console.log(entry?.className, entry?.method, entry?.policies, entry?.stats.attempts, entry?.latency?.calls.count);
