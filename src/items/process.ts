import { chainsOf, findSite } from '../core/decoration/lookup.js';
import { ConfigurationError } from '../core/errors.js';
import type { Placement } from '../core/member.js';
import { show } from '../core/options.js';
import type { AnyFunction } from '../core/types.js';
import { Caller } from './caller.js';
import { collectItems, streamItems } from './items.js';
import type { AnyOptions, Items, ItemsOptions, OnError, StreamOptions } from './options.js';
import type { Delivered, ItemsProblem } from './results.js';
import { type Work, workOn } from './work.js';

/**
 * The names of the methods of an object.
 *
 * @example
 * const name: MethodName<Weather> = 'forecast';
 */
export type MethodName<Target> = {
  [Name in keyof Target]-?: Target[Name] extends AnyFunction ? Name : never;
}[keyof Target];

/**
 * What a method takes as its one argument; never, if it needs more than one.
 *
 * @example
 * const city: ItemOf<Weather, 'forecast'> = 'Davos';
 */
export type ItemOf<Target, Name extends PropertyKey> =
  Member<Target, Name> extends (item: infer Item) => unknown ? Item : never;

/**
 * What a method gives, in the end.
 *
 * @example
 * type Found = ResultOf<Weather, 'forecast'>; // Forecast, for a method that gives a Promise<Forecast>
 */
export type ResultOf<Target, Name extends PropertyKey> =
  Member<Target, Name> extends (...args: never[]) => infer Result ? Awaited<Result> : never;

/**
 * A type member by member. What is inferred from it has the methods of the class where `this` is given, of which nothing
 * can be told otherwise; the private ones too, so that names must be public ones of what is given as well.
 */
type Members<Target> = { [Name in keyof Target]: Target[Name] };

type Member<Target, Name extends PropertyKey> = Name extends keyof Target ? Target[Name] : never;

const staticFirst: readonly Placement[] = ['static'];
const instanceOnly: readonly Placement[] = ['instance'];

function methodWork<Item>(
  asked: string,
  target: object,
  method: PropertyKey,
  options: AnyOptions | undefined,
): Work<Item, unknown> {
  const chains = chainsOf(target, asked);
  const placements = typeof target === 'function' ? staticFirst : instanceOnly;
  if (typeof Reflect.get(target, method) !== 'function') {
    throw new ConfigurationError(`${asked}: ${show(method)} is not a method of ${show(target)}`);
  }
  const policies = findSite(chains, method, placements)?.policies ?? [];
  const find = (): AnyFunction => Reflect.get(target, method);
  const call = (item: Item, fn = find()): unknown => Reflect.apply(fn, target, [item]);
  return workOn(policies, options, call, target, typeof method === 'number' ? String(method) : method, find);
}

/**
 * Calls a method with each item as its one argument; gives all results, in the order of the items. Items are pulled as
 * they are worked on; those of a cpuBound method travel to the workers in batches, and each has its own result, error
 * and retries.
 *
 * @param target An instance, or a class for a static method.
 * @param method The name of the method.
 * @param items Any iterable or async iterable.
 * @param options `concurrency` (the method's own limit, or the number of workers, or 16), `onError` (`'throw'`),
 * `signal`, `onProgress`, `progress` (false), `entries` (false).
 * @throws ConfigurationError when an argument is wrong; otherwise what the first failing item threw, unless `onError` is
 * `'collect'`, or what the items themselves threw.
 * @example
 * const grids = await processAll(weather, 'simulate', seeds, { progress: true });
 */
export async function processAll<
  Given extends object,
  Name extends PropertyKey,
  Failure extends OnError = 'throw',
  Entries extends boolean = false,
  Source = unknown,
  Target = Given,
>(
  target: Given & (Members<Target> | object),
  method:
    | (NoInfer<MethodName<Target> & keyof Target> & keyof Given)
    | (Name & { readonly 'this is not the name of a public method': Name }),
  items: (Source & ItemsProblem<Name, Source, ItemOf<Target, Name>>) | NoInfer<Items<ItemOf<Target, Name>>>,
  options?: ItemsOptions<Failure, Entries>,
): Promise<Delivered<ResultOf<Target, Name>, ItemOf<Target, Name>, Failure, Entries>[]> {
  type Each = Delivered<ResultOf<Target, Name>, ItemOf<Target, Name>, Failure, Entries>;
  const asked = { text: 'processAll()', caller: new Caller(processAll) };
  const work = methodWork<ItemOf<Target, Name>>(asked.text, target, method, options);
  return (await collectItems(asked, items as Items<ItemOf<Target, Name>>, work, options)) as Each[];
}

/**
 * Calls a method with each item as its one argument; gives the results as they are taken, so that any number of items
 * fits into memory. Leaving early, with a `break` for one, aborts what still runs and lets the source go: the loop ends
 * once the source's `return()` has, with what that throws. Where a pull is under way that does not end, it goes on after a
 * second. A failure and an abort come at once, and the source is let go behind them.
 *
 * @param target An instance, or a class for a static method.
 * @param method The name of the method.
 * @param items Any iterable or async iterable; pulled at most four times `concurrency` ahead, batches for workers aside.
 * @param options Those of `processAll`, and `ordered` (true): whether results come in the order of the items.
 * @throws ConfigurationError when an argument is wrong; while results are taken, what the first failing item threw,
 * unless `onError` is `'collect'`, or what the items themselves threw; in that case after the results before it.
 * @example
 * for await (const grid of processStream(weather, 'simulate', seeds())) await save(grid);
 */
export function processStream<
  Given extends object,
  Name extends PropertyKey,
  Failure extends OnError = 'throw',
  Entries extends boolean = false,
  Source = unknown,
  Target = Given,
>(
  target: Given & (Members<Target> | object),
  method:
    | (NoInfer<MethodName<Target> & keyof Target> & keyof Given)
    | (Name & { readonly 'this is not the name of a public method': Name }),
  items: (Source & ItemsProblem<Name, Source, ItemOf<Target, Name>>) | NoInfer<Items<ItemOf<Target, Name>>>,
  options?: StreamOptions<Failure, Entries>,
): AsyncIterableIterator<
  Delivered<ResultOf<Target, Name>, ItemOf<Target, Name>, Failure, Entries>,
  undefined,
  undefined
> {
  type Each = Delivered<ResultOf<Target, Name>, ItemOf<Target, Name>, Failure, Entries>;
  const asked = { text: 'processStream()', caller: new Caller(processStream) };
  const work = methodWork<ItemOf<Target, Name>>(asked.text, target, method, options);
  const results = streamItems(asked, items as Items<ItemOf<Target, Name>>, work, options);
  return results as AsyncIterableIterator<Each, undefined, undefined>;
}
