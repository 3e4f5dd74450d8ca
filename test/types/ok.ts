/** What must compile. Compiled with the tests, by their options; nothing runs here. */
import {
  type AnyClass,
  concurrency,
  cpuBound,
  FallbackChain,
  fallback,
  type ItemError,
  Orchestrator,
  orchestrate,
  type PolicyKind,
  policiesOf,
  rateLimit,
  retry,
  statsOf,
} from 'opero';

/** Compiles when the two types are the same. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
const same = <A, B>(_is: Same<A, B>): void => {};

class HttpError extends Error {
  constructor(readonly status: number) {
    super();
  }
}
abstract class BaseError extends Error {}

const symbol = Symbol('symbol');

export class ReturnTypes {
  @retry()
  async promise(): Promise<number> {
    return 1;
  }
  @retry()
  maybe(): number | Promise<number> {
    return 1;
  }
  @retry()
  either(): Promise<number> | Promise<string> {
    return Promise.resolve(1);
  }
  @retry()
  eitherLike(): Promise<number> | PromiseLike<string> {
    return Promise.resolve('');
  }
  @retry()
  like(): PromiseLike<string> {
    return Promise.resolve('');
  }
  @retry()
  maybeLike(): string | PromiseLike<string> | Promise<string> {
    return '';
  }
  @retry()
  maybeVoid(): void | Promise<void> {}
  @retry()
  @rateLimit(5)
  @concurrency(2)
  @cpuBound(import.meta.url)
  @fallback('orNothing', () => undefined)
  @orchestrate()
  orUndefined(): Promise<string> | undefined {
    return undefined;
  }
  @rateLimit(5)
  @fallback({ value: undefined })
  orNothing(): undefined | PromiseLike<string> {
    return undefined;
  }
  @concurrency(2)
  @retry({ retryResult: (value: string | null) => value === null })
  orNull(): null | Promise<string> {
    return null;
  }
  @cpuBound(import.meta.url)
  // biome-ignore lint/suspicious/noConfusingVoidType: what is tested
  voidOr(): void | Promise<string> {}
  @orchestrate({ retry: 3, fallback: ['orNull', 'orNothing'] })
  orAnything(): Promise<string> | null | undefined {
    return null;
  }
  @fallback('like', (): string | PromiseLike<string> => '')
  textOrLike(): string | PromiseLike<string> {
    return '';
  }
  @retry()
  textOrNothing(): string | Promise<string> | undefined {
    return '';
  }
  @retry()
  static orUndefined(): Promise<number> | undefined {
    return undefined;
  }
  @retry()
  #orNull(): Promise<string> | null {
    return this.orNull();
  }
  private(): Promise<string> | null {
    return this.#orNull();
  }
  @retry()
  async nothing(): Promise<void> {}
  @retry()
  async union(): Promise<string | undefined> {
    return undefined;
  }
  @retry()
  async never(): Promise<never> {
    throw new Error();
  }
  @retry()
  unknown(): unknown {
    return 1;
  }
  @retry()
  async itself(): Promise<this> {
    return this;
  }
}

export class Members {
  @retry(2)
  @rateLimit(5)
  @concurrency(3)
  async #private(id: string): Promise<string> {
    return id;
  }
  @retry(2)
  @concurrency({ limit: 1, scope: 'instance' })
  static async static(id: string): Promise<string> {
    return id;
  }
  @orchestrate({ retry: 2, concurrency: 2 })
  static async #privateStatic(id: string): Promise<string> {
    return id;
  }
  @retry()
  protected async protected(): Promise<void> {}
  @retry()
  async [symbol](): Promise<void> {}
  @retry()
  async 42(): Promise<void> {}
  @retry()
  async withThis(this: Members, id: string): Promise<string> {
    return this.#private(id);
  }
  static all(): Promise<string> {
    return Members.#privateStatic('');
  }
}

export class Signatures {
  @retry()
  @fallback({ value: undefined as never })
  @rateLimit(1)
  @concurrency(1)
  async generic<T extends { id: string }, K extends keyof T>(value: T, key: K): Promise<T[K]> {
    return value[key];
  }
  overloaded(id: string): Promise<string>;
  overloaded(id: number): Promise<number>;
  @retry()
  @concurrency(2)
  @orchestrate({ rateLimit: 5 })
  async overloaded(id: string | number): Promise<string | number> {
    return id;
  }
  @retry()
  async rest(first: string, ...others: readonly number[]): Promise<number> {
    return others.length + first.length;
  }
  @retry()
  async optional(first?: string, { signal }: { signal?: AbortSignal } = {}): Promise<boolean> {
    return first === '' || signal !== undefined;
  }
}

/** Decorated methods keep their declared types, type parameters and overloads included. */
export async function declaredTypesStay(it: Signatures, returns: ReturnTypes): Promise<void> {
  const value = { id: 'a', size: 1 };
  const size: number = await it.generic(value, 'size');
  const id: string = await it.generic(value, 'id');
  const text: string = await it.overloaded('a');
  const count: number = await it.overloaded(1);
  same<ReturnTypes['promise'], () => Promise<number>>(true);
  same<ReturnTypes['maybe'], () => number | Promise<number>>(true);
  same<ReturnTypes['like'], () => PromiseLike<string>>(true);
  same<Signatures['rest'], (first: string, ...others: readonly number[]) => Promise<number>>(true);
  same<
    Signatures['overloaded'],
    {
      (id: string): Promise<string>;
      (id: number): Promise<number>;
    }
  >(true);
  same<(typeof Members)['static'], (id: string) => Promise<string>>(true);
  const itself: ReturnTypes = await returns.itself();
  void [size, id, text, count, itself];
}

export class Fallbacks {
  @fallback(
    'cached',
    async (city: string, _days?: number) => city,
    (city: string): string => city,
  )
  async forecast(city: string, _days?: number): Promise<string> {
    return city;
  }
  async cached(city: string): Promise<string> {
    return city;
  }
  @fallback('sync', 'noArguments', 'like')
  async load(_id: string): Promise<string> {
    return '';
  }
  sync(_id: string): string {
    return '';
  }
  noArguments(): Promise<string> {
    return Promise.resolve('');
  }
  like(_id: string): string | PromiseLike<string> {
    return '';
  }
  @fallback({ alternatives: ['cached', (_id: string) => 'literal'], value: 'text', on: [HttpError, BaseError] })
  async config(_id: string): Promise<string> {
    return '';
  }
  @fallback({ value: null })
  async nullable(): Promise<string | null> {
    return null;
  }
  @fallback({ value: undefined })
  async nothing(): Promise<void> {}
  @fallback({ value: [] })
  async list(): Promise<string[]> {
    return [];
  }
  @fallback({ value: { ok: false } })
  async shape(): Promise<{ ok: boolean; detail?: string }> {
    return { ok: true };
  }
  @fallback({ value: 'none' })
  async literal(): Promise<'none' | 'some'> {
    return 'some';
  }
  @fallback(symbol, 42)
  async keyed(): Promise<number> {
    return 1;
  }
  async [symbol](): Promise<number> {
    return 1;
  }
  async 42(): Promise<number> {
    return 1;
  }
  @fallback(function (this: Fallbacks, id: string) {
    return this.cached(id);
  })
  async withThis(_id: string): Promise<string> {
    return '';
  }
  @fallback('backup')
  static async open(): Promise<number> {
    return 1;
  }
  static async backup(): Promise<number> {
    return 2;
  }
  @fallback('cached')
  async #secret(city: string): Promise<string> {
    return city;
  }
  secret(): Promise<string> {
    return this.#secret('');
  }
  @fallback(function (this: Fallbacks, id: string) {
    return this.#secret(id);
  })
  async ofSecret(_id: string): Promise<string> {
    return '';
  }
  @orchestrate({ fallback: ['cached'] })
  async orchestrated(_id: string): Promise<string> {
    return '';
  }
  @orchestrate({ fallback: { value: '' } })
  async orchestratedValue(_id: string): Promise<string> {
    return '';
  }
  @orchestrate({ fallback: { alternatives: ['cached'], value: '', on: HttpError } })
  async orchestratedConfig(_id: string): Promise<string> {
    return '';
  }
}

export class InheritedAlternative extends Fallbacks {
  @fallback('cached')
  async own(_id: string): Promise<string> {
    return '';
  }
  override async forecast(city: string, days?: number): Promise<string> {
    return super.forecast(city, days);
  }
}

export class Options {
  @retry({
    maxAttempts: Number.POSITIVE_INFINITY,
    waitMin: 0,
    waitMax: 1000,
    waitMultiplier: 1.5,
    jitter: 'none',
    retryOn: (error) => error instanceof HttpError && error.status >= 500,
    abortOn: BaseError,
    retryResult: (value: string) => value === '',
    maxElapsed: 5000,
    rethrow: false,
    onRetry: ({ attempt, error, delay }) => void [attempt, error, delay],
  })
  async retry(): Promise<string> {
    return '';
  }
  @retry({ retryOn: HttpError, abortOn: [BaseError, TypeError] })
  async classes(): Promise<void> {}
  @retry({ retryOn: async (_error: unknown) => true, onRetry: async () => {} })
  async asynchronous(): Promise<void> {}
  @rateLimit({ rate: 2.5, per: 60_000, spread: true, maxQueue: 0, maxWait: 0, scope: 'instance' })
  async rateLimit(): Promise<void> {}
  @rateLimit({ rate: 1, key: (id: string) => id })
  async keyed(_id: string, _more: number): Promise<void> {}
  @concurrency({ limit: 1, key: (id: string, more: number) => `${id}${more}` })
  async keyedByBoth(_id: string, _more: number): Promise<void> {}
  @orchestrate({ rateLimit: { rate: 1, key: (id: string) => id } })
  async orchestrated(_id: string, _more: number): Promise<void> {}
  @orchestrate({
    retry: { retryResult: (result: number) => result > 1 },
    fallback: ['keyedTwice'],
    rateLimit: { rate: 1, key: (id: string) => id },
    concurrency: { limit: 1, key: (id: string, more: number) => `${id}${more}` },
  })
  async orchestratedTwice(_id: string, _more: number): Promise<number> {
    return 1;
  }
  async keyedTwice(_id: string, _more: number): Promise<number> {
    return 1;
  }
  @concurrency({ limit: 1, key: () => 'one' })
  async keyedByNothing(_id: string): Promise<void> {}
  @concurrency({ limit: 1, key: (...all: unknown[]) => String(all.length) })
  async keyedByAll(_id: string): Promise<void> {}
  @orchestrate()
  async empty(): Promise<void> {}
  @orchestrate({ retry: 3, rateLimit: 5, concurrency: 3, inherit: false })
  async shorthands(): Promise<void> {}
  @orchestrate({
    retry: { maxAttempts: 3 },
    rateLimit: { rate: 5, per: 100 },
    concurrency: { limit: 3 },
    fallback: [() => undefined],
  })
  async configs(): Promise<void> {}
}

@retry(3)
@rateLimit(5)
@concurrency({ limit: 3 })
@fallback('load', 'maybe')
@orchestrate({ inherit: true })
export class Concrete {
  constructor(
    readonly name: string,
    readonly size = 1,
  ) {}
  static readonly made = new Concrete('made');
  maybe(): undefined | Promise<string> {
    return undefined;
  }
  async load(): Promise<string> {
    return this.name;
  }
}

@retry()
@concurrency(3)
export abstract class Abstract<T> {
  constructor(readonly value: T) {}
  abstract part(): Promise<T>;
  async whole(): Promise<T> {
    return this.part();
  }
}

export const Expression =
  @retry(2)
  class {
    async load(): Promise<number> {
      return 1;
    }
  };

export class Sub extends Abstract<string> {
  constructor() {
    super('value');
  }
  override async part(): Promise<string> {
    return this.value;
  }
}

export function classesKeepTheirTypes(): void {
  same<ConstructorParameters<typeof Concrete>, [name: string, size?: number]>(true);
  same<InstanceType<typeof Expression>['load'], () => Promise<number>>(true);
  const made: Concrete = Concrete.made;
  const type: AnyClass = Abstract;
  void [made, type];
}

/** A mixin. */
export const Loading = <T extends new (...args: never[]) => object>(Base: T) => {
  class Mixed extends (Base as new (...args: never[]) => object) {
    @retry()
    async load(): Promise<void> {}
  }
  return Mixed;
};

export async function withoutDecorators(): Promise<void> {
  const orchestrator = new Orchestrator({
    retry: 3,
    rateLimit: { rate: 5 },
    concurrency: 2,
    fallback: [(id: number) => `${id}`],
  });
  const load = async (id: number): Promise<string> => `${id}`;
  const length = (text: string): number => text.length;
  const text: string = await orchestrator.execute(load, 1);
  const size: number = await orchestrator.execute(length, 'a');
  const texts: string[] = await orchestrator.process(load, [1, 2]);
  const both: string[] = await orchestrator.process([load, load], new Set([1, 2]));
  const collected: (string | ItemError)[] = await orchestrator.process(load, [1], { onError: 'collect' });
  const wrapped: (text: string) => Promise<number> = orchestrator.wrap(length);
  for await (const each of orchestrator.stream(load, [1], { ordered: false })) same<typeof each, string>(true);
  const price: number = await new FallbackChain((_id: string) => 1, [async () => 2, () => 3]).execute('tea');
  void [text, size, texts, both, collected, wrapped, price];
}

export function inspection(): void {
  const [{ kind, options, declaredBy }] = policiesOf(Concrete, 'load');
  const { calls, failures } = statsOf(Concrete.made, 'load');
  const counted: number = calls + failures;
  same<typeof kind, PolicyKind>(true);
  same<'retry' extends PolicyKind ? true : false, true>(true);
  same<string extends PolicyKind ? true : false, false>(true);
  void [options, declaredBy, counted];
}
