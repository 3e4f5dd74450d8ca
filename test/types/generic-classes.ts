/** What must compile in classes with type parameters, and of `this`. Compiled with the tests; nothing runs here. */
import {
  concurrency,
  cpuBound,
  fallback,
  type ItemError,
  orchestrate,
  processAll,
  processStream,
  rateLimit,
  retry,
} from 'opero';

export class Maybe<V> {
  @retry(3)
  @rateLimit(5)
  @concurrency(2)
  @cpuBound(import.meta.url)
  @fallback('other')
  find(id: string): V | Promise<V> {
    throw id;
  }
  other(id: string): V | Promise<V> {
    throw id;
  }
  @orchestrate({ retry: 3, rateLimit: 5, concurrency: 2, cpuBound: import.meta.url, fallback: ['other'] })
  like(id: string): V | PromiseLike<V> {
    throw id;
  }
  @retry()
  @orchestrate({ concurrency: 2 })
  some(id: string): V | undefined | Promise<V | undefined> {
    throw id;
  }
  @retry()
  static open<T>(value: T): T | Promise<T> {
    return value;
  }
  @retry()
  @rateLimit(5)
  @concurrency({ limit: 1, key: (id: string) => id })
  @cpuBound(import.meta.url)
  @fallback('other', 'orNull')
  orNull(id: string): Promise<V> | null {
    throw id;
  }
  @orchestrate({ retry: 3, fallback: { value: undefined } })
  orNothing(id: string): undefined | PromiseLike<V> {
    throw id;
  }
  @retry({ retryResult: (value: unknown) => value === undefined })
  either(id: string): V | Promise<V> | undefined {
    throw id;
  }
  @retry()
  orNothingOf<T>(value: T): Promise<T> | undefined {
    return Promise.resolve(value);
  }
}

export class Repo<V> {
  constructor(readonly found: V) {}
  @retry()
  @rateLimit({ rate: 1, key: (id: string) => id })
  @concurrency({ limit: 1, key: (id) => String(id) })
  @cpuBound(import.meta.url)
  @fallback('cached', 'sync', 'either', (_id: string): never => {
    throw new Error();
  })
  async find(_id: string): Promise<V> {
    return this.found;
  }
  async cached(_id: string): Promise<V> {
    return this.found;
  }
  sync(_id: string): V {
    return this.found;
  }
  either(_id: string): V | Promise<V> {
    return this.found;
  }
  @orchestrate({ retry: 3 })
  async orchestrated(_id: string): Promise<V> {
    return this.found;
  }
  @orchestrate({ retry: { retryResult: (value: unknown) => value === 1 }, fallback: ['cached'] })
  async orchestratedFallback(_id: string): Promise<V> {
    return this.found;
  }
  @orchestrate({ rateLimit: { rate: 1, key: (id: string) => id } })
  async orchestratedMaybe(_id: string): Promise<V | undefined> {
    return this.found;
  }
  @fallback('cached', () => undefined)
  @retry({ retryResult: (value) => value === undefined })
  async undefinable(_id: string): Promise<V | undefined> {
    return this.found;
  }
  @fallback({ value: undefined })
  async valued(_id: string): Promise<V | undefined> {
    return this.found;
  }
  @fallback(() => null)
  async nullable(_id: string): Promise<V | null> {
    return this.found;
  }
  @fallback({ alternatives: ['cached'], value: null })
  async nullableByValue(_id: string): Promise<V | null> {
    return this.found;
  }
  @fallback({ value: [] })
  async list(): Promise<V[]> {
    return [this.found];
  }
  @fallback('savedElsewhere')
  @concurrency({ limit: 1, key: (_item: unknown) => 'one' })
  async save(_item: V): Promise<void> {}
  async savedElsewhere(_item: V): Promise<void> {}
  @retry()
  async pairs<K>(key: K): Promise<[K, V]> {
    return [key, this.found];
  }
}

export class Bounded<T extends { id: string }, K extends keyof T = keyof T> {
  constructor(readonly found: T) {}
  @retry()
  @fallback('cached')
  @concurrency({ limit: 1, key: (item: { id: string }) => item.id })
  async save(item: T): Promise<T> {
    return item;
  }
  async cached(item: T): Promise<T> {
    return item;
  }
  @orchestrate({ retry: { retryResult: (item: { id: string }) => item.id === '' } })
  async result(): Promise<T> {
    return this.found;
  }
  @retry({ retryResult: (item: { id: string }) => item.id === '' })
  @orchestrate({ rateLimit: { rate: 1, key: (item: { id: string }) => item.id }, fallback: ['widened'] })
  async widening(item: T): Promise<T> {
    return item;
  }
  async widened(item: { id: string }): Promise<T> {
    void item;
    return this.found;
  }
  @fallback('member')
  async part(key: K): Promise<T[K]> {
    return this.found[key];
  }
  async member(key: K): Promise<T[K]> {
    return this.found[key];
  }
}

export class Node {
  readonly size: number = 1;
  @retry({ retryResult: (node: Node) => node.size === 0 })
  @rateLimit({ rate: 1, key: (node: Node) => String(node.size) })
  @fallback('other')
  async self(_node: this): Promise<this> {
    return this;
  }
  async other(_node: this): Promise<this> {
    return this;
  }
  @orchestrate({ retry: 3 })
  async orchestrated(): Promise<this> {
    return this;
  }
  @orchestrate({ fallback: ['other'] })
  async orchestratedFallback(_node: this): Promise<this> {
    return this;
  }
  @fallback(function (this: Node) {
    return this;
  })
  async function(): Promise<this> {
    return this;
  }
  @fallback('nothing')
  async parameter(_node: this): Promise<void> {}
  async nothing(_node: this): Promise<void> {}
  @retry()
  maybe(): this | Promise<this> {
    return this;
  }
}

export class Child<V> extends Repo<V> {
  @fallback('cached')
  @retry()
  override async find(id: string): Promise<V> {
    return super.find(id);
  }
}

/** Items are given to `this`, of whose type only the class is known. */
export class Batches<T extends { readonly id: string }> {
  readonly size: number = 1;
  constructor(readonly items: readonly T[]) {}

  @retry()
  async load(item: T): Promise<T> {
    return item;
  }
  all(): Promise<T[]> {
    return processAll(this, 'load', this.items);
  }
  collected(): Promise<(T | ItemError<T>)[]> {
    return processAll(this, 'load', this.items, { onError: 'collect', concurrency: this.size });
  }
  async *each(): AsyncGenerator<string> {
    for await (const { id } of processStream(this, 'load', this.items)) yield id;
  }
  protected async hidden(item: T): Promise<T> {
    return item;
  }
  hiddenToo(item: T): Promise<T> {
    return this.hidden(item);
  }
}

export class Numbers {
  async double(value: number): Promise<number> {
    return 2 * value;
  }
  doubled(): Promise<number[]> {
    return processAll(this, 'double', [1, 2]);
  }
  static async make(_size: number): Promise<Numbers> {
    return new Numbers();
  }
  static several(): Promise<Numbers[]> {
    // biome-ignore lint/complexity/noThisInStatic: `this` of a static method is what is tested
    return processAll(this, 'make', [1, 2]);
  }
}

export class MoreNumbers extends Numbers {
  doubledOnce(): Promise<number[]> {
    return processAll(this, 'double', new Set([1, 2]));
  }
}

export const ofEither = (target: Numbers | MoreNumbers): Promise<number[]> => processAll(target, 'double', [1]);
