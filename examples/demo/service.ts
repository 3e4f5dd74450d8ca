/** The classes under test: all five decorators, one of them on the class, and a subclass that has none of its own. */
import { concurrency, currentCall, fallback, orchestrate, rateLimit, retry } from 'opero';
import { ask, events, Unavailable } from './request.js';

export interface Report {
  readonly text: string;
  readonly from: 'server' | 'cache';
}

/** Every async method of the class and its subclasses is tried again, up to three times. */
@retry({
  maxAttempts: 4,
  waitMin: 40,
  jitter: 'none', // so that the server can check the length of each wait
  retryOn: [Unavailable],
  onRetry: ({ error }) => {
    events.emit('retry', (error as Unavailable).station);
  },
})
export class Weather {
  constructor(readonly port: number) {}

  @rateLimit({ rate: 40 })
  @concurrency(6)
  @fallback({ alternatives: ['cached'], on: [Unavailable] })
  async forecast(station: number, _options?: { signal?: AbortSignal }): Promise<Report> {
    return { text: await ask(this.port, `${this.constructor.name}.forecast`, station, currentCall()), from: 'server' };
  }

  @orchestrate({ rateLimit: 25, concurrency: 3, fallback: ['cached'] })
  async warnings(station: number, _signal?: AbortSignal): Promise<Report> {
    return { text: await ask(this.port, `${this.constructor.name}.warnings`, station, currentCall()), from: 'server' };
  }

  cached(station: number): Report {
    return { text: `sun at station ${station}, yesterday`, from: 'cache' };
  }
}

/** Inherits every policy, for the method that it overrides too, and has limiters of its own. */
export class AlpineWeather extends Weather {
  override async forecast(station: number, options?: { signal?: AbortSignal }): Promise<Report> {
    const report = await super.forecast(station, options);
    return { ...report, text: `${report.text}, snow above` };
  }
}
