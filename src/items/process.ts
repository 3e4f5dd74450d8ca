import { ConfigurationError, type ItemError } from '../core/errors.js';
import { chainsOf, findSite } from '../core/lookup.js';
import { show } from '../core/options.js';
import type { AnyFunction, Placement } from '../core/types.js';
import { collectItems, streamItems } from './items.js';
import type { Items, ItemsOptions, OnError, StreamOptions } from './options.js';
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
export type ItemOf<Target, Name extends keyof Target> = Target[Name] extends (item: infer Item) => unknown
  ? Item
  : never;

/**
 * What a method gives, in the end.
 *
 * @example
 * type Found = ResultOf<Weather, 'forecast'>; // Forecast, for a method that gives a Promise<Forecast>
 */
export type ResultOf<Target, Name extends keyof Target> = Target[Name] extends (...args: never[]) => infer Result
  ? Awaited<Result>
  : never;

/**
 * A result, or an ItemError in its place where failures may be collected.
 *
 * @example
 * type Found = Collected<Forecast, string, 'collect'>; // Forecast | ItemError<string>
 */
export type Collected<Result, Item, Failure extends OnError> = 'collect' extends Failure
  ? Result | ItemError<Item>
  : Result;

const staticFirst: readonly Placement[] = ['static'];
const instanceOnly: readonly Placement[] = ['instance'];

function methodWork<Item, Result>(
  asked: string,
  target: object,
  method: PropertyKey,
  options: ItemsOptions | undefined,
): Work<Item, Result> {
  const chains = chainsOf(target, asked);
  const placements = typeof target === 'function' ? staticFirst : instanceOnly;
  if (typeof Reflect.get(target, method) !== 'function') {
    throw new ConfigurationError(`${asked}: ${show(method)} is not a method of ${show(target)}`);
  }
  const policies = findSite(chains, method, placements)?.policies ?? [];
  const call = (item: Item): unknown => Reflect.apply(Reflect.get(target, method) as AnyFunction, target, [item]);
  return workOn(policies, options, call, target, typeof method === 'number' ? String(method) : method);
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
 * `signal`, `onProgress`, `progress` (false).
 * @throws ConfigurationError when an argument is wrong; otherwise what the first failing item threw, unless `onError` is
 * `'collect'`.
 * @example
 * const grids = await processAll(weather, 'simulate', seeds, { progress: true });
 */
export async function processAll<
  Target extends object,
  Name extends MethodName<Target>,
  Failure extends OnError = 'throw',
>(
  target: Target,
  method: Name,
  items: Items<ItemOf<Target, Name>>,
  options?: ItemsOptions<Failure>,
): Promise<Collected<ResultOf<Target, Name>, ItemOf<Target, Name>, Failure>[]> {
  type Result = Collected<ResultOf<Target, Name>, ItemOf<Target, Name>, Failure>;
  const work = methodWork<ItemOf<Target, Name>, Result>('processAll()', target, method, options);
  return (await collectItems('processAll()', items, work, options)) as Result[];
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
 * unless `onError` is `'collect'`.
 * @example
 * for await (const grid of processStream(weather, 'simulate', seeds())) await save(grid);
 */
export function processStream<
  Target extends object,
  Name extends MethodName<Target>,
  Failure extends OnError = 'throw',
>(
  target: Target,
  method: Name,
  items: Items<ItemOf<Target, Name>>,
  options?: StreamOptions<Failure>,
): AsyncIterableIterator<Collected<ResultOf<Target, Name>, ItemOf<Target, Name>, Failure>, undefined, undefined> {
  type Result = Collected<ResultOf<Target, Name>, ItemOf<Target, Name>, Failure>;
  const work = methodWork<ItemOf<Target, Name>, Result>('processStream()', target, method, options);
  return streamItems('processStream()', items, work, options) as AsyncIterableIterator<Result, undefined, undefined>;
}
