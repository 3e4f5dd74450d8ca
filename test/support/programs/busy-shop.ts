// Serves a view of methods that are always called: some fail, some wait, some are turned away. Ends when its input does.
import { circuitBreaker, concurrency, fallback, isTransient, rateLimit, retry, timeout } from 'opero';
import { startView } from 'opero/view';

class HttpError extends Error {
  constructor(readonly status: number) {
    super(`status ${status}`);
  }
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
let time = 0;
/** Whether the server is down: for four seconds in twelve. */
const isDown = (): boolean => time % 12 > 7;

class Weather {
  @fallback({ value: 'as yesterday' })
  @retry({ maxAttempts: 3, waitMin: 20, retryOn: isTransient })
  @circuitBreaker({ consecutive: 8, halfOpenAfter: 1500 })
  @timeout(120)
  @rateLimit(60)
  @concurrency(8)
  async forecast(place: number): Promise<string> {
    await pause(20 + (place % 7) * 12);
    if (isDown() || place % 9 === 0) throw new HttpError(503);
    return 'sun';
  }

  @concurrency({ limit: 4, maxQueue: 3 })
  async warnings(place: number): Promise<string> {
    await pause(80 + (place % 5) * 10);
    return 'none';
  }

  @retry(2)
  static async ping(): Promise<void> {}
}

class AlpineWeather extends Weather {
  override async forecast(place: number): Promise<string> {
    return `${await super.forecast(place)}, snow above`;
  }
}

class Payments {
  @circuitBreaker({ consecutive: 3, halfOpenAfter: 60_000 })
  async charge(): Promise<void> {
    throw new HttpError(500);
  }

  @rateLimit(20)
  async refund(): Promise<void> {
    await pause(4);
  }

  @concurrency(2)
  async report(): Promise<void> {}
}

const weather = new Weather();
const alps = new AlpineWeather();
const payments = new Payments();
const ignore = (call: Promise<unknown>): unknown => call.catch(() => {});

let call = 0;
setInterval(() => {
  time += 0.05;
  for (let each = 0; each < 2; each++) ignore(weather.forecast(call++));
  if (call % 3 !== 0) for (let each = 0; each < 3; each++) ignore(weather.warnings(call++));
  if (call % 4 === 0) ignore(alps.forecast(call));
  if (call % 7 === 0) ignore(payments.charge());
  ignore(payments.refund());
  ignore(Weather.ping());
}, 50);

const [port = '0', many = '0', options = '{}'] = process.argv.slice(2);
const services = Array.from({ length: Number(many) }, (_, at) => {
  class Service {
    @retry({ maxAttempts: 2, waitMin: 1 })
    @concurrency(5)
    async run(): Promise<void> {
      if (Math.random() < 0.1) throw new RangeError('now and then');
    }
  }
  return new (Object.defineProperty(Service, 'name', { value: `Service${String(at).padStart(4, '0')}` }))();
});
let next = 0;
// Each of them about once a second: there is something new to tell of nearly all of them.
if (services.length > 0) {
  setInterval(() => {
    for (let each = 0; each < services.length / 10; each++) ignore(services[next++ % services.length].run());
  }, 100);
}

const view = await startView({ port: Number(port), ...JSON.parse(options) });
console.log(view.url);
process.stdin.on('end', () => process.exit()).resume();
