/** What must compile of options: variables, hooks, predicates, keys and values. Compiled with the tests; nothing runs. */
import {
  type ConcurrencyConfig,
  type CpuBoundConfig,
  concurrency,
  cpuBound,
  type ErrorMatcher,
  type FallbackConfig,
  fallback,
  Orchestrator,
  type OrchestratorConfig,
  orchestrate,
  type RateLimitConfig,
  type RetryConfig,
  rateLimit,
  retry,
  type SignalPlace,
  type TimeoutConfig,
  type TimeoutError,
  type TimeoutEvent,
  timeout,
} from 'opero';

/** Compiles when the two types are the same. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
const same = <A, B>(_is: Same<A, B>): void => {};

class HttpError extends Error {
  readonly status: number = 500;
}

const missing = Symbol('missing');
const seen: unknown[] = [];
const module = import.meta.url;

export class Hooks {
  @retry({ onRetry: (event) => seen.push(event) })
  async pushes(): Promise<void> {}
  @retry({ onRetry: async ({ attempt }) => seen.push(attempt) })
  async asynchronous(): Promise<void> {}
  @orchestrate({ retry: { onRetry: (event) => seen.push(event) } })
  async orchestrated(): Promise<void> {}
}

const times: TimeoutConfig = { attempt: 5, total: 50 };
const place: SignalPlace = { argument: 1, name: 'abortSignal' };

@timeout({ total: 5_000 })
export class Times {
  @timeout(5)
  async short(): Promise<void> {}
  @timeout(times)
  static async ofVariable(): Promise<void> {}
  @timeout({
    total: 5,
    onTimeout: (event) => {
      same<typeof event, TimeoutEvent>(true);
      same<typeof event.scope, 'attempt' | 'total'>(true);
      same<typeof event.error, TimeoutError>(true);
    },
  })
  async #hooked(): Promise<void> {}
  @orchestrate({ timeout: 5, signalAt: { argument: 0 } })
  async orchestrated(_signal: AbortSignal): Promise<void> {
    await this.#hooked();
  }
  @orchestrate({ timeout: times, signalAt: place })
  async placed(): Promise<void> {}
}
export const bounded = new Orchestrator({ timeout: { attempt: 5 }, signalAt: place });

const isHttpError = (error: unknown): error is HttpError => error instanceof HttpError;

export class Predicates {
  @retry({ retryOn: (error: Error) => error.message === 'down', abortOn: (error: HttpError) => error.status === 404 })
  async typed(): Promise<void> {}
  @fallback({ value: undefined, on: (error: HttpError) => error.status === 404 })
  async fallbackTyped(): Promise<void> {}
  @retry({ retryOn: async (error: Error) => error.message === 'down', abortOn: isHttpError })
  async asynchronous(): Promise<void> {}
  @retry({
    retryOn: (error) => {
      same<typeof error, unknown>(true);
      return error instanceof HttpError && error.status >= 500;
    },
    abortOn: async (error) => {
      same<typeof error, unknown>(true);
      return false;
    },
  })
  async inferred(): Promise<void> {}
  @orchestrate({
    retry: { retryOn: (error: HttpError) => error.status === 503 },
    fallback: { value: undefined, on: (error) => same<typeof error, unknown>(true) === undefined },
  })
  async orchestrated(): Promise<void> {}
}

export const matchers: ErrorMatcher[] = [HttpError, [HttpError, TypeError], (error: HttpError) => error.status > 1];

const retryConfig: RetryConfig = { maxAttempts: 3 };
const rateLimitConfig: RateLimitConfig = { rate: 5 };
const concurrencyConfig: ConcurrencyConfig = { limit: 5 };
const cpuBoundConfig: CpuBoundConfig = { maxWorkers: 1 };
const valueConfig: FallbackConfig = { value: 3 };
const alternativesConfig: FallbackConfig = { alternatives: ['cached'] };
const orchestratorConfig: OrchestratorConfig = { retry: 3, rateLimit: 5, fallback: ['cached'] };
const numbersOnly: RetryConfig<number> = { retryResult: (value) => value > 1 };
const names: string[] = ['cached'];

@retry(retryConfig)
@rateLimit(rateLimitConfig)
@concurrency(concurrencyConfig)
@cpuBound(module, cpuBoundConfig)
@fallback(valueConfig)
export class Wide {
  @retry(retryConfig)
  @rateLimit(rateLimitConfig)
  @concurrency(concurrencyConfig)
  @cpuBound(module, cpuBoundConfig)
  @fallback(valueConfig)
  async load(_id: string): Promise<number> {
    return 1;
  }
  async cached(_id: string): Promise<number> {
    return 1;
  }
  @fallback(alternativesConfig)
  @retry({ ...retryConfig, waitMin: 1 })
  @rateLimit({ ...rateLimitConfig, per: 1 })
  @concurrency({ ...concurrencyConfig, maxQueue: 1 })
  @cpuBound(module, { ...cpuBoundConfig, state: [] })
  async spread(_id: string): Promise<number> {
    return 1;
  }
  @orchestrate(orchestratorConfig)
  async orchestrated(_id: string): Promise<number> {
    return 1;
  }
  @orchestrate({ ...orchestratorConfig, concurrency: concurrencyConfig })
  async orchestratedSpread(_id: string): Promise<number> {
    return 1;
  }
  @orchestrate({
    retry: retryConfig,
    rateLimit: rateLimitConfig,
    concurrency: concurrencyConfig,
    fallback: valueConfig,
    cpuBound: { module, ...cpuBoundConfig },
  })
  async orchestratedParts(_id: string): Promise<number> {
    return 1;
  }
  @retry(numbersOnly)
  @fallback(...names)
  async narrow(): Promise<number> {
    return 1;
  }
}

@orchestrate(orchestratorConfig)
@fallback(alternativesConfig)
export class WideOrchestrated {
  async load(): Promise<number> {
    return 1;
  }
}

const plainConfig: OrchestratorConfig = { retry: retryConfig, rateLimit: rateLimitConfig };

export const made = [
  new Orchestrator({ retry: retryConfig, rateLimit: rateLimitConfig, concurrency: concurrencyConfig }),
  new Orchestrator({ fallback: { value: 1 } }),
  new Orchestrator(plainConfig),
];

export function configured(config: RetryConfig, limit: RateLimitConfig, slots: ConcurrencyConfig): void {
  class Local {
    @own(config)
    @rateLimit(limit)
    @concurrency(slots)
    async load(_id: string): Promise<number> {
      return 1;
    }
  }
  void Local;
}

export function own(config: RetryConfig) {
  return retry(config);
}

export class Keys {
  @rateLimit({ rate: 1, key: (id) => `user:${id}` })
  async one(_id: string): Promise<void> {}
  @concurrency({ limit: 1, key: (...args) => String(args[0]) })
  async all(_id: string, _more: number): Promise<void> {}
  @orchestrate({
    rateLimit: { rate: 1, key: (id) => `user:${id}` },
    concurrency: { limit: 1, key: (id, more) => `${id}${more}` },
  })
  async orchestrated(_id: string, _more?: number): Promise<void> {}
  @concurrency({ limit: 1, key: (id) => (same<typeof id, unknown>(true) === undefined ? '' : String(id)) })
  async generic<T>(_id: T): Promise<void> {}
  @orchestrate({ retry: 3, rateLimit: { rate: 1 }, concurrency: 3 })
  async without(_id: string): Promise<void> {}
}

type Shape = { kind: 'none' } | { kind: 'some'; readonly list: string[] };

export class Values {
  @orchestrate({ fallback: { value: ['a'] } })
  @fallback({ value: ['a'] })
  async list(): Promise<string[]> {
    return [];
  }
  @orchestrate({ fallback: { value: [] } })
  async empty(): Promise<string[]> {
    return [];
  }
  @orchestrate({ fallback: { value: { list: [1] } } })
  async nested(): Promise<{ list: number[] }> {
    return { list: [] };
  }
  @orchestrate({ fallback: { alternatives: ['list', async () => ['b']], value: ['a'] } })
  async both(): Promise<string[]> {
    return [];
  }
  @orchestrate({ fallback: ['list', () => ['b']] })
  async alternatives(): Promise<string[]> {
    return [];
  }
  @fallback({ value: { kind: 'none' } })
  async kind(): Promise<Shape> {
    return { kind: 'none' };
  }
  @orchestrate({ fallback: { value: { kind: 'some', list: ['a'] } } })
  async orchestratedKind(): Promise<Shape> {
    return { kind: 'none' };
  }
  @fallback({ value: ['a', 1] })
  async tuple(): Promise<[string, number]> {
    return ['a', 1];
  }
  @orchestrate({ fallback: { value: ['a', 1] } })
  async orchestratedTuple(): Promise<readonly [string, number]> {
    return ['a', 1];
  }
  @fallback({ value: [['a', 1]] })
  async entries(): Promise<[string, number][]> {
    return [];
  }
  @fallback({ value: new Map([['a', 1]]) })
  async map(): Promise<Map<string, number>> {
    return new Map();
  }
  @fallback({ value: { at: new HttpError() } })
  async inside(): Promise<{ at: HttpError }> {
    return { at: new HttpError() };
  }
  @fallback(() => 'none')
  async literal(): Promise<'none' | 'some'> {
    return 'none';
  }
  @fallback(async () => 'none' as const, 'literal')
  async literalLater(): Promise<'none' | 'some'> {
    return 'none';
  }
  @orchestrate({ fallback: [() => 'none', 'literal'] })
  async orchestratedLiteral(): Promise<'none' | 'some'> {
    return 'none';
  }
  @orchestrate({ fallback: { alternatives: [() => 1], value: 2 } })
  async literalNumber(): Promise<1 | 2> {
    return 1;
  }
  @orchestrate({ fallback: { alternatives: [() => 1n], value: 2n } })
  async literalBigint(): Promise<1n | 2n> {
    return 1n;
  }
  @orchestrate({ fallback: { alternatives: [() => true], value: true } })
  async literalFlag(): Promise<true> {
    return true;
  }
  @orchestrate({ fallback: { alternatives: [() => missing], value: missing } })
  async literalSymbol(): Promise<typeof missing | 'none'> {
    return missing;
  }
  @fallback(() => ({ kind: 'none' }))
  async shape(): Promise<Shape> {
    return { kind: 'none' };
  }
  @fallback((): unknown => 1)
  async unknown(): Promise<unknown> {
    return 1;
  }
  @fallback(() => {})
  async nothing(): Promise<void> {}
  @fallback({ value: () => 1 })
  async function(): Promise<() => number> {
    return () => 1;
  }
  @fallback(<T>(value: T) => value)
  async identity(value: string): Promise<string> {
    return value;
  }
}

@retry(2)
@rateLimit(1)
@concurrency(1)
@fallback('load')
@cpuBound(module)
@orchestrate({ retry: 3 })
export abstract class Protected {
  protected constructor(readonly name: string) {}
  async load(): Promise<void> {}
}

@retry(2)
@fallback('load')
@orchestrate({ fallback: ['load'] })
export class Private<V> {
  private constructor(readonly value: V) {}
  static make(): Private<number> {
    return new Private(1);
  }
  async load(): Promise<V> {
    return this.value;
  }
}

export class OfProtected extends Protected {
  constructor() {
    super('');
  }
}
