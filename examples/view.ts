/** A view of what the methods of a program do, which a browser shows at `view.url`, and a terminal by `npx opero top`. */
import { setTimeout as sleep } from 'node:timers/promises';
import { concurrency, fallback, retry } from 'opero';
import { startView } from 'opero/view';

class Weather {
  #calls = 0;

  @fallback({ value: 'as yesterday' })
  @retry({ maxAttempts: 2, waitMin: 5 })
  @concurrency(3)
  async forecast(city: string): Promise<string> {
    await sleep(20);
    if (++this.#calls % 5 === 0) throw new Error('no answer');
    return `sun in ${city}`;
  }
}

const view = await startView({ port: Number(process.env.PORT ?? 0) });
console.log('served at 127.0.0.1:', view.url.startsWith('http://127.0.0.1:'));

// `SECONDS=600 PORT=6737 node build/examples/view.js` gives you the time to look.
const weather = new Weather();
const end = performance.now() + Number(process.env.SECONDS ?? 0.2) * 1000;
while (performance.now() < end) {
  for (let city = 0; city < 5; city++) void weather.forecast(`city ${city}`);
  await sleep(50);
}

const page = await fetch(view.url);
console.log('the page:', page.headers.get('content-type'));
const { methods } = (await (await fetch(`${view.url}/snapshot`)).json()) as { methods: { method: string }[] };
console.log('shows:', methods.map(({ method }) => method).join());

// It would keep nothing alive; from here on the port is free.
await view.close();
