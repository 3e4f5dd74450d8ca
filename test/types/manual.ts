/** What must compile of decorators that are kept, passed on and called by hand. Compiled with the tests; nothing runs. */
import {
  concurrency,
  cpuBound,
  fallback,
  orchestrate,
  type PolicyDecorator,
  type RetryConfig,
  rateLimit,
  retry,
} from 'opero';

const patiently = (config: RetryConfig): PolicyDecorator => retry({ maxAttempts: 10, ...config });
const perTenant: PolicyDecorator<{ option: 'key'; args: [tenant: string] }> = concurrency({
  limit: 3,
  key: (tenant: string) => tenant,
});
const orNull: PolicyDecorator<{ value: null }> = fallback({ value: null });
const orWhatever: PolicyDecorator<{ alternatives: readonly ['cached'] }> = fallback({ alternatives: ['cached'] });
const all: PolicyDecorator = orchestrate({ retry: 3, rateLimit: 5 });
const inWorker: PolicyDecorator = cpuBound(import.meta.url);
const slowly: PolicyDecorator = rateLimit(1);
const any: PolicyDecorator[] = [retry(), rateLimit(1), concurrency(1), orchestrate({ retry: 3 }), inWorker];

export class Kept {
  @patiently({ waitMin: 1 })
  @perTenant
  @orNull
  @inWorker
  @slowly
  async load(_tenant: string): Promise<number | null> {
    return 1;
  }
  @orWhatever
  async cachedLoad(_id: string): Promise<number> {
    return 1;
  }
  @all
  async cached(_id: string): Promise<number> {
    return 1;
  }
  @(any[0] as PolicyDecorator)
  async first(): Promise<void> {}
}

/** A decorator of one's own, made of others. */
export function resilient<This, Args extends unknown[], Result>(
  method: (this: This, ...args: Args) => Promise<Result>,
  context: ClassMethodDecoratorContext<This, (this: This, ...args: Args) => Promise<Result>>,
): (this: This, ...args: Args) => Promise<Result> {
  const limited = concurrency({ limit: 1, key: (...args) => String(args[0]) })(method, context);
  const retried = retry({ maxAttempts: 3 })(rateLimit(5)(limited, context), context);
  return orchestrate({ cpuBound: import.meta.url })(retried, context);
}

export function onClass<Class extends abstract new (...args: never[]) => object>(
  type: Class,
  context: ClassDecoratorContext<Class>,
): Class {
  return orchestrate({ rateLimit: 5 })(retry()(type, context), context);
}

export class Overloads {
  load(id: string): Promise<string>;
  load(id: number): Promise<number>;
  @fallback('other')
  @orchestrate({ retry: 3, fallback: ['other'] })
  async load(id: string | number): Promise<string | number> {
    return id;
  }
  async other(id: string | number): Promise<never> {
    throw new Error(String(id));
  }
  @fallback('other')
  async #secret(id: string): Promise<string> {
    return id;
  }
  @fallback('other')
  protected async hidden(id: string): Promise<string> {
    return this.#secret(id);
  }
  @fallback('fewer', (...[first]: [string, number]) => first)
  async more(first: string, _second: number): Promise<string> {
    return this.hidden(first);
  }
  fewer(): string {
    return '';
  }
}
