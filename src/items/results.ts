import type { MayFit } from '../core/decoration/fits.js';
import type { Primitive } from '../core/decoration/primitive.js';
import type { ItemError } from '../core/errors.js';
import type { AnyFunction } from '../core/types.js';
import type { Items, ItemsOptions, OnError, StreamOptions } from './options.js';

/**
 * A result, or an ItemError in its place where failures may be collected.
 *
 * @example
 * type Found = Collected<Forecast, string, 'collect'>; // Forecast | ItemError<string>
 */
export type Collected<Result, Item, Failure extends OnError> = 'collect' extends Failure
  ? Result | ItemError<Item>
  : Result;

/**
 * What comes for one item with `entries: true`.
 *
 * @example
 * const entries: Entry<string, number>[] = await processAll(weather, 'forecast', ['Davos'], { entries: true });
 */
export interface Entry<Item, Value> {
  /** The place of the item among the items, from 0. */
  readonly index: number;
  /** The item. */
  readonly item: Item;
  /** Its result, or an ItemError where failures are collected. */
  readonly value: Value;
}

/**
 * What comes for one item: what is collected, or an Entry of it.
 *
 * @example
 * type Found = Delivered<Forecast, string, 'throw', true>; // Entry<string, Forecast>
 */
export type Delivered<Result, Item, Failure extends OnError, Entries extends boolean> = Entries extends true
  ? Entry<Item, Collected<Result, Item, Failure>>
  : Collected<Result, Item, Failure>;

/**
 * What is wrong with the items; what the method takes stands beside it in a union, for literals to be read as that.
 * Never, where that alone tells more: the compiler then goes into the objects to where they differ.
 */
export type ItemsProblem<Name, Source, Item> = [Item] extends [never]
  ? { readonly 'this method takes more than one argument, an item is only one': Name }
  : Source extends Items<infer Given>
    ? MayFit<Source, Given, Item> extends true
      ? unknown
      : Given extends Primitive | null | undefined
        ? { readonly 'the method does not take such items': Given }
        : never
    : { readonly 'items must be an iterable or async iterable': Source };

/** The one argument of a function; never, if it needs more than one. */
type ArgumentOf<Fn extends AnyFunction> = Fn extends (item: infer Item) => unknown ? Item : never;

/**
 * What `Orchestrator.wrap()` gives: the function behind the pipeline, and the same over many items.
 *
 * @example
 * const double: Wrapped<(item: number) => number> = new Orchestrator().wrap((item: number) => item * 2);
 * const results = await double.process([1, 2, 3]); // [2, 4, 6]
 */
export interface Wrapped<Fn extends AnyFunction> {
  (this: ThisParameterType<Fn>, ...args: Parameters<Fn>): Promise<Awaited<ReturnType<Fn>>>;
  /** Calls it with each item as its one argument; results are in the order of the items. See `Orchestrator.process`. */
  process<Failure extends OnError = 'throw', Entries extends boolean = false, Source = Items<ArgumentOf<Fn>>>(
    items: (Source & ItemsProblem<Fn, Source, ArgumentOf<Fn>>) | NoInfer<Items<ArgumentOf<Fn>>>,
    options?: ItemsOptions<Failure, Entries>,
  ): Promise<Delivered<Awaited<ReturnType<Fn>>, ArgumentOf<Fn>, Failure, Entries>[]>;
  /** The same as an async iterable; items are pulled as results are taken. See `Orchestrator.stream`. */
  stream<Failure extends OnError = 'throw', Entries extends boolean = false, Source = Items<ArgumentOf<Fn>>>(
    items: (Source & ItemsProblem<Fn, Source, ArgumentOf<Fn>>) | NoInfer<Items<ArgumentOf<Fn>>>,
    options?: StreamOptions<Failure, Entries>,
  ): AsyncIterableIterator<Delivered<Awaited<ReturnType<Fn>>, ArgumentOf<Fn>, Failure, Entries>, undefined, undefined>;
}
