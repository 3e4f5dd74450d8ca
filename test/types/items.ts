/** What must compile of many items. Compiled with the tests, by their options; nothing runs here. */
import {
  type Collected,
  type Delivered,
  type Entry,
  type ItemError,
  type ItemOf,
  type Items,
  type ItemsOptions,
  type MethodName,
  Orchestrator,
  processAll,
  processStream,
  type ResultOf,
  retry,
  type Wrapped,
} from 'opero';

/** Compiles when the two types are the same. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
const same = <A, B>(_is: Same<A, B>): void => {};

class Service {
  readonly name = 'service';
  @retry()
  async load(_id: string): Promise<number> {
    return 1;
  }
  @retry()
  async optional(_id: string, _options?: { signal?: AbortSignal }): Promise<number> {
    return 1;
  }
  @retry()
  maybe(_id: string | number): number | Promise<number> {
    return 1;
  }
  @retry()
  async pair(_pair: readonly [string, number]): Promise<string[]> {
    return [];
  }
  @retry()
  async withThis(this: Service, _id: string): Promise<string> {
    return this.name;
  }
  async two(_one: string, _other: string): Promise<void> {}
  plain(_id: string): boolean {
    return true;
  }
  async nothing(): Promise<void> {}
  async order(_item: { kind: 'bread' | 'milk' }): Promise<void> {}
  async call(_item: (text: string) => number): Promise<void> {}
  @retry()
  static async make(_id: number): Promise<Service> {
    return new Service();
  }
}

export async function results(service: Service, ids: AsyncIterable<string>, how: ItemsOptions): Promise<void> {
  const one = await processAll(service, 'load', ['a']);
  same<typeof one, number[]>(true);
  same<Awaited<ReturnType<typeof processAll<Service, 'load'>>>, number[]>(true);
  const thrown = await processAll(service, 'load', ids, { onError: 'throw', concurrency: 3 });
  same<typeof thrown, number[]>(true);
  const others = await processAll(service, 'optional', new Set(['a']), { progress: true });
  same<typeof others, number[]>(true);
  const maybe = await processAll(service, 'maybe', ['a', 1]);
  same<typeof maybe, number[]>(true);
  const pairs = await processAll(service, 'pair', new Map([['a', 1]]));
  same<typeof pairs, string[][]>(true);
  const plain = await processAll(service, 'plain', 'abc');
  same<typeof plain, boolean[]>(true);
  const made = await processAll(Service, 'make', [1, 2]);
  same<typeof made, Service[]>(true);
  await processAll(service, 'withThis', ['a']);
  await processAll(service, 'nothing', [1, 'any', {}]);

  const collected = await processAll(service, 'load', ['a'], { onError: 'collect' });
  same<typeof collected, (number | ItemError<string>)[]>(true);
  const told = await processAll(service, 'load', ['a'], { onError: 'collect', onProgress: ({ done }) => void done });
  same<typeof told, (number | ItemError<string>)[]>(true);
  // Where the types cannot tell, failures may be among the results.
  const unknown = await processAll(service, 'load', ['a'], how);
  same<typeof unknown, (number | ItemError<string>)[]>(true);
  const either = await processAll(service, 'load', ['a'], { onError: collected.length > 1 ? 'collect' : 'throw' });
  same<typeof either, (number | ItemError<string>)[]>(true);
}

/** Wide and generic uses, and literals that are read as what the method takes. */
export async function sources<T extends object, Name extends MethodName<T>>(
  target: T,
  name: Name,
  items: Items<ItemOf<T, Name>>,
  service: Service,
): Promise<void> {
  same<Awaited<ReturnType<typeof processAll<T, Name>>>, ResultOf<T, Name>[]>(true);
  await processAll(target, name, items);
  processStream(target, name, items, { ordered: false });
  const either: 'load' | 'plain' = String(service.name) === '' ? 'load' : 'plain';
  const some = await processAll(service, either, ['a']);
  same<typeof some, (number | boolean)[]>(true);
  await processAll(service, 'pair', [['a', 1]]);
  await processAll(service, 'order', [{ kind: 'bread' }, { kind: 'milk' }]);
  await processAll(service, 'call', [(text) => text.length]);
  await processAll(service, 'load', []);
}

export async function streams(service: Service): Promise<void> {
  const stream = processStream(service, 'load', ['a'], { ordered: false });
  same<typeof stream, AsyncIterableIterator<number, undefined, undefined>>(true);
  for await (const each of stream) same<typeof each, number>(true);
  for await (const each of processStream(service, 'load', ['a'], { onError: 'collect' })) {
    same<typeof each, number | ItemError<string>>(true);
  }
}

export async function orchestrated(): Promise<void> {
  const orchestrator = new Orchestrator();
  const length = (text: string): number => text.length;
  const later = async (text: string): Promise<number> => text.length;
  const mixed = await orchestrator.process([length, later], ['a']);
  same<typeof mixed, number[]>(true);
  const collected = await orchestrator.process(later, ['a'], { onError: 'collect' });
  same<typeof collected, (number | ItemError<string>)[]>(true);
  const stream = orchestrator.stream(later, ['a']);
  same<typeof stream, AsyncIterableIterator<number, undefined, undefined>>(true);
}

export async function entries(service: Service, entries: boolean, how: ItemsOptions<'throw', true>): Promise<void> {
  const one = await processAll(service, 'load', ['a'], { entries: true });
  same<typeof one, Entry<string, number>[]>(true);
  const asked = await processAll(service, 'load', ['a'], how);
  same<typeof asked, Entry<string, number>[]>(true);
  const off = await processAll(service, 'load', ['a'], { entries: false });
  same<typeof off, number[]>(true);
  // Where the types cannot tell, it may be either.
  const either = await processAll(service, 'load', ['a'], { entries });
  same<typeof either, (number | Entry<string, number>)[]>(true);
  const collected = await processAll(service, 'load', ['a'], { entries: true, onError: 'collect' });
  same<typeof collected, Entry<string, number | ItemError<string>>[]>(true);
  for await (const { index, item, value } of processStream(service, 'load', ['a'], { ordered: false, entries: true })) {
    same<typeof index, number>(true);
    same<typeof item, string>(true);
    same<typeof value, number>(true);
  }
  const orchestrator = new Orchestrator();
  const several = await orchestrator.process([(n: number) => n, (n: number) => `${n}`], [1], { entries: true });
  same<typeof several, Entry<number, string | number>[]>(true);
  const single = await orchestrator.process((n: number) => n, [1], { entries: true });
  same<typeof single, Entry<number, number>[]>(true);
  const stream = orchestrator.stream(async (n: number) => `${n}`, [1], { entries: true, onError: 'collect' });
  same<typeof stream, AsyncIterableIterator<Entry<number, string | ItemError<number>>, undefined, undefined>>(true);
}

export async function wrapped(): Promise<void> {
  const load = new Orchestrator().wrap(async (id: string, _options?: { signal?: AbortSignal }) => id.length);
  same<typeof load extends Wrapped<(id: string, options?: { signal?: AbortSignal }) => Promise<number>> ? 1 : 0, 1>(
    true,
  );
  const one = await load('a', {});
  same<typeof one, number>(true);
  const many = await load.process(['a']);
  same<typeof many, number[]>(true);
  const collected = await load.process(new Set(['a']), { onError: 'collect' });
  same<typeof collected, (number | ItemError<string>)[]>(true);
  for await (const each of load.stream(['a'], { entries: true })) same<typeof each, Entry<string, number>>(true);
  const plain = new Orchestrator().wrap((n: number) => n > 1);
  const flags = await plain.process([1]);
  same<typeof flags, boolean[]>(true);
  const fn: (id: string) => Promise<number> = load;
  await fn('a');
}

export function namedTypes(): void {
  same<Delivered<number, string, 'throw', true>, Entry<string, number>>(true);
  same<ItemOf<Service, 'load'>, string>(true);
  same<ItemOf<Service, 'two'>, never>(true);
  same<ResultOf<Service, 'maybe'>, number>(true);
  same<
    MethodName<Service>,
    'load' | 'optional' | 'maybe' | 'pair' | 'withThis' | 'two' | 'plain' | 'nothing' | 'order' | 'call'
  >(true);
  same<Collected<number, string, 'throw'>, number>(true);
}
