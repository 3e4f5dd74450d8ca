// Plain JavaScript, which no engine gives decorators: Node runs this file as it is.
import { decorate, decorateInstance, explain, retry } from 'opero';

class Weather {
  requests = 0;

  async forecast(city) {
    if (++this.requests % 3 !== 0) throw new Error('503');
    return `sun in ${city}`;
  }

  async cached(city) {
    return `${city}: as yesterday`;
  }

  static async nearest() {
    return 'Davos';
  }
}

decorate(Weather, {
  forecast: {
    retry: {
      maxAttempts: 3,
      waitMin: 10,
      onRetry: ({ method, attempt }) => console.log(`${method} failed ${attempt}`),
    },
    fallback: ['cached'],
    timeout: { total: 2_000 },
  },
  'static nearest': [retry(2)],
  '*': { concurrency: 5 },
});

const weather = new Weather();
console.log(await weather.forecast(await Weather.nearest()));

// One object with limits of its own.
const hasty = decorateInstance(new Weather(), { forecast: { retry: { maxAttempts: 1 } } });
console.log(await hasty.forecast('Arosa'));

for (const line of explain(hasty).split('\n')) if (/^ {2}\w/.test(line)) console.log(line.trim());
