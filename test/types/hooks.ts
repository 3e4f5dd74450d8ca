/** What must compile of hooks, and what the compiler knows in them. Compiled with the tests; nothing runs. */
import {
  concurrency,
  type DelayEvent,
  type ErrorMatcher,
  type ErrorPredicate,
  type FallbackConfig,
  fallback,
  type HookContext,
  Orchestrator,
  type OrchestratorConfig,
  orchestrate,
  type RetryConfig,
  type RetryEvent,
  rateLimit,
  retry,
  type TimeoutEvent,
  timeout,
} from 'opero';

/** Compiles when the two types are the same. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
const same = <A, B>(_is: Same<A, B>): void => {};

class HttpError extends Error {
  readonly status: number = 500;
}

class Base {
  log(..._texts: unknown[]): void {}
}

export class ByAnnotation extends Base {
  readonly #secret = 1;

  @retry({
    onRetry(this: ByAnnotation, { args: [city], attempt, error, delay, method, signal }: RetryEvent<[city: string]>) {
      same<typeof city, string>(true);
      this.log(city, attempt, error, delay, method, signal, this.#secret);
    },
    retryOn(this: ByAnnotation, error: HttpError, { args, signal }: HookContext<[city: string, days?: number]>) {
      return error.status > this.#secret && args.length > 0 && !signal?.aborted;
    },
    abortOn: [TypeError, (error: HttpError, { attempt }) => error.status === attempt],
    delay(this: ByAnnotation, { args: [city], attempt }: DelayEvent<[city: string]>) {
      this.log(city);
      return attempt * this.#secret;
    },
    retryResult(this: Base, value: string, { args: [city] }: HookContext<[city: string]>) {
      this.log(city);
      return value === '';
    },
  })
  @fallback({
    value: '',
    on(this: ByAnnotation, error: HttpError, { args: [city] }: HookContext<[city: string]>) {
      return error.status > this.#secret && city !== '';
    },
  })
  async forecast(_city: string, _days = 1): Promise<string> {
    return '';
  }

  @orchestrate({
    retry: {
      onRetry(this: ByAnnotation, { args: [city] }: RetryEvent<[city: string]>) {
        this.log(city);
      },
      retryResult: (value: string) => value === '',
    },
    fallback: {
      alternatives: ['forecast'],
      on(this: Base, _error, { args: [city] }: HookContext<[city: string]>) {
        return city !== '';
      },
    },
    rateLimit: { rate: 1, key: (city: string) => city },
  })
  async orchestrated(_city: string): Promise<string> {
    return '';
  }

  @retry({
    onRetry(this: typeof ByAnnotation) {
      this.open(1);
    },
  })
  static async open(_port: number): Promise<void> {}

  @retry({
    onRetry(this: ByAnnotation) {
      this.#hidden('');
    },
  })
  async #hidden(_city: string): Promise<void> {}

  @retry({ retryOn: (_error, { args }: HookContext<readonly unknown[]>) => args.length > 0 })
  async anyArgs(_city: string, ..._others: number[]): Promise<void> {}

  @retry({ onRetry: ({ args: [first, ...rest] }: RetryEvent<[city: string, ...others: number[]]>) => [first, rest] })
  async rest(_city: string, ..._others: number[]): Promise<void> {}
}

export class ByTypeArguments extends Base {
  @retry<ByTypeArguments, [city: string]>({
    onRetry({ args: [city] }) {
      same<typeof city, string>(true);
      this.log(city);
    },
    retryOn(error, { args }) {
      same<typeof error, unknown>(true);
      same<typeof args, [city: string]>(true);
      this.log(args);
      return true;
    },
    abortOn: [
      HttpError,
      function (error, { args: [city], attempt }) {
        same<typeof error, unknown>(true);
        this.log(city);
        return attempt > 1;
      },
      (error: HttpError) => error.status > 1,
    ],
    delay({ args: [city] }) {
      this.log(city);
      return undefined;
    },
    retryResult(value) {
      same<typeof value, unknown>(true);
      return value === '';
    },
  })
  async forecast(_city: string, _days?: number): Promise<string> {
    return '';
  }

  @retry<ByTypeArguments, [city: string], string>({ retryResult: (value) => value.length > 1 })
  async result(_city: string): Promise<string> {
    return '';
  }

  @fallback<ByTypeArguments, [city: string]>({
    alternatives: ['forecast', async (city: string) => city],
    value: 'none',
    on(_error, { args: [city] }) {
      this.log(city);
      return true;
    },
  })
  async withFallback(_city: string): Promise<string> {
    return '';
  }

  @orchestrate<ByTypeArguments, [city: string]>({
    retry: {
      onRetry({ args: [city] }) {
        this.log(city);
      },
    },
    fallback: {
      value: '',
      on(_error, { args: [city] }) {
        this.log(city);
        return true;
      },
    },
    rateLimit: { rate: 1, key: (city) => city },
    concurrency: 3,
  })
  async orchestrated(_city: string): Promise<string> {
    return '';
  }

  @concurrency<[city: string]>({ limit: 1, key: (city) => city })
  @rateLimit<[city: string], ByTypeArguments>({
    rate: 1,
    key(city) {
      this.log(city);
      return city;
    },
  })
  async limited(_city: string): Promise<void> {}
}

export class Unannotated {
  @retry({
    onRetry(event) {
      same<typeof event, RetryEvent>(true);
    },
    retryOn(error, context) {
      same<typeof error, unknown>(true);
      same<typeof context, HookContext>(true);
      return true;
    },
    abortOn: [
      HttpError,
      (error, context) => same<[typeof error, typeof context], [unknown, HookContext]>(true) !== undefined,
    ],
    retryResult: (value, context) => same<[typeof value, typeof context], [unknown, HookContext]>(true) !== undefined,
  })
  @fallback({
    value: undefined,
    on: [(error, context) => same<[typeof error, typeof context], [unknown, HookContext]>(true) !== undefined],
  })
  async load(_city: string): Promise<void> {}
}

@retry({
  onRetry(this: WholeClass) {
    this.load('');
  },
})
export class WholeClass {
  async load(_city: string): Promise<void> {}
}

export class Box<T> {
  constructor(readonly value: T) {}
  @retry({
    onRetry(this: Box<unknown>, { args: [city] }: RetryEvent<[city: string]>) {
      return [this.value, city];
    },
  })
  async load(_city: string): Promise<T> {
    return this.value;
  }
  @retry({ onRetry: ({ args }: RetryEvent<[value: unknown]>) => args })
  async generic<U>(value: U): Promise<U> {
    return value;
  }
}

export class Receivers extends Base {
  @rateLimit({
    rate: 1,
    key(this: Receivers, city: string) {
      this.log(city);
      return city;
    },
  })
  @concurrency({
    limit: 1,
    key(this: Base, city: string) {
      this.log(city);
      return city;
    },
  })
  async load(_city: string): Promise<void> {}
}

export const predicate: ErrorPredicate = (error, { attempt, method }) =>
  error instanceof HttpError && attempt < method.length;
export const matcher: ErrorMatcher = [
  HttpError,
  predicate,
  (error: HttpError, { args }: HookContext<[string]>) => args[0] === error.message,
];
export const config: RetryConfig = { onRetry: ({ args, attempt }) => [args, attempt], retryOn: matcher };
export const ofWeather: RetryConfig<string, ByAnnotation, [city: string]> = {
  retryResult(value, { args: [city] }) {
    this.log(city);
    return value === '';
  },
};
export const fallbackConfig: FallbackConfig = { value: 1, on: matcher };
export const orchestratorConfig: OrchestratorConfig = { retry: ofWeather, fallback: fallbackConfig };

export class Configured extends ByAnnotation {
  @retry(ofWeather)
  async own(_city: string): Promise<string> {
    return '';
  }
  @retry({ ...ofWeather, maxAttempts: 2 })
  @fallback(fallbackConfig)
  async spread(_city: string): Promise<string> {
    return '';
  }
}

export const orchestrator = new Orchestrator({
  retry: { onRetry: ({ args, method }) => [args, method], retryOn: [HttpError, (_error, { attempt }) => attempt < 2] },
});

export const annotated = new Orchestrator({
  retry: {
    onRetry: ({ args }: RetryEvent) => args.length,
    delay: ({ args: [id] }: DelayEvent<[id: number]>) => id,
    retryOn: (_error, { args }: HookContext) => args.length > 1,
  },
});

export class InTime extends Base {
  @timeout({
    total: 5,
    onTimeout(this: InTime, { args: [city], scope, error, attempt, method }: TimeoutEvent<[city: string]>) {
      same<typeof city, string>(true);
      this.log(city, scope, error, attempt, method);
    },
  })
  async annotated(_city: string): Promise<void> {}

  @timeout<InTime, [city: string]>({
    attempt: 5,
    onTimeout({ args: [city] }) {
      same<typeof city, string>(true);
      this.log(city);
    },
  })
  async typed(_city: string): Promise<void> {}

  @orchestrate({
    timeout: {
      total: 5,
      onTimeout(this: InTime, { args: [city] }: TimeoutEvent<[city: string]>) {
        this.log(city);
      },
    },
  })
  async orchestrated(_city: string): Promise<void> {}
}
