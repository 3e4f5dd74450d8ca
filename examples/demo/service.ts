/** The classes under test: all the decorators, some of them on the class, and a subclass that has none of its own. */
import {
  CircuitOpenError,
  circuitBreaker,
  concurrency,
  currentCall,
  fallback,
  isTransient,
  orchestrate,
  parseRetryAfter,
  rateLimit,
  retry,
  timeout,
} from 'opero';
import { ask, events } from './request.js';

export interface Report {
  readonly text: string;
  readonly from: 'server' | 'cache';
}

/** Every async method of the class and its subclasses is tried again where that may help, but not for ever. */
@retry({
  maxAttempts: 4,
  waitMin: 40,
  jitter: 'none', // so that the server can check the length of each wait
  retryOn: isTransient,
  delay: parseRetryAfter,
  onRetry: ({ args }) => {
    events.emit('retry', Number(args[0]));
  },
})
@timeout({ attempt: 400, total: 2_000 })
@circuitBreaker({
  consecutive: 20,
  halfOpenAfter: 500,
  failOn: isTransient,
  onStateChange: ({ method, to }) => {
    events.emit('circuit', { lane: method, to, at: performance.now() });
  },
})
export class Weather {
  constructor(readonly port: number) {}

  @rateLimit({ rate: 40 })
  @concurrency(6)
  @fallback({ alternatives: ['cached'], on: [isTransient, CircuitOpenError] })
  async forecast(station: number, _options?: { signal?: AbortSignal }): Promise<Report> {
    return { text: await ask(this.port, `${this.constructor.name}.forecast`, station, currentCall()), from: 'server' };
  }

  @orchestrate({
    rateLimit: 25,
    concurrency: 3,
    fallback: { alternatives: ['cached'], on: [isTransient, CircuitOpenError] },
  })
  async warnings(station: number, _signal?: AbortSignal): Promise<Report> {
    return { text: await ask(this.port, `${this.constructor.name}.warnings`, station, currentCall()), from: 'server' };
  }

  cached(station: number): Report {
    return { text: `sun at station ${station}, yesterday`, from: 'cache' };
  }
}

/** Inherits every policy, for the method that it overrides too, and has limiters and circuits of its own. */
export class AlpineWeather extends Weather {
  override async forecast(station: number, options?: { signal?: AbortSignal }): Promise<Report> {
    const report = await super.forecast(station, options);
    return { ...report, text: `${report.text}, snow above` };
  }
}
