import { inOrder, type Policy } from './core/call/policy.js';
import type { SignalPlace } from './core/call/signal-place.js';
import type { Stats } from './core/call/stats.js';
import { setClasslessSite, setWrapped } from './core/decoration/classless.js';
import { named } from './core/decoration/interceptor.js';
import { runnerHere, Site } from './core/decoration/site.js';
import { ConfigurationError } from './core/errors.js';
import { isGenerator, show, type Where, wrongOption } from './core/options.js';
import type { AnyFunction } from './core/types.js';
import { Caller } from './items/caller.js';
import { collectItems, collectItemsForEach, streamItems } from './items/items.js';
import type { AnyOptions, Items, ItemsOptions, OnError, StreamOptions } from './items/options.js';
import type { Delivered, Wrapped } from './items/results.js';
import { type Work, workOn } from './items/work.js';
import { type OrchestratorConfig, readPolicies } from './orchestrate.js';
import { fallbackPolicy, readFallback } from './policies/fallback.js';

type Outcome<Fn extends AnyFunction> = Awaited<ReturnType<Fn>>;

/**
 * What is wrong with a generator function; nothing with one of which nothing is known. It stands as the type of `this`,
 * as beside the function itself it would keep generic ones from being read as such.
 */
type GeneratorProblem<Fn extends AnyFunction> =
  unknown extends ReturnType<Fn>
    ? unknown
    : [ReturnType<Fn>] extends [never]
      ? unknown
      : ReturnType<Fn> extends Generator<unknown, unknown, never> | AsyncGenerator<unknown, unknown, never>
        ? { readonly 'a call of a generator function runs none of its code': ReturnType<Fn> }
        : unknown;

type OneArgument<Item, Result> = (item: Item) => Result | PromiseLike<Result>;

const classlessSite = (label: string, policies: readonly Policy[], signalAt?: SignalPlace): Site => {
  const inForce = inOrder(policies, (policy) => policy).map((policy) => ({ policy, declaredBy: undefined }));
  return new Site(label, label, undefined, { inForce, entry: undefined, signalAt });
};

function requireFunction(value: unknown, asked: string): void {
  if (typeof value !== 'function') throw new ConfigurationError(`${asked}: expected a function, got ${show(value)}`);
  if (!isGenerator(value)) return;
  const cure = 'a call of one runs none of its code, so give a function that goes through what it yields';
  throw new ConfigurationError(`${asked}: expected a function, got ${show(value)}; ${cure}`);
}

/**
 * The policies without decorators: runs any function, sync or async, through one pipeline. Its limiters and its circuit are
 * shared by all that it runs; `circuitOf(orchestrator)` gives the circuit.
 *
 * @example
 * const orchestrator = new Orchestrator({ retry: 3, rateLimit: 10, fallback: [readCache] });
 * const user = await orchestrator.execute(fetchUser, 42);
 * const users = await orchestrator.process(fetchUser, [1, 2, 3]);
 */
export class Orchestrator {
  readonly #site: Site;

  /**
   * @param config A key for each kind of policy, with the options or the shorthand of its decorator; the alternatives of a
   * `fallback` are functions; and `signalAt`. Default: none of them.
   * @throws ConfigurationError when an option is wrong.
   */
  constructor(config: Omit<OrchestratorConfig, 'inherit'> = {}) {
    const { policies, signalAt } = readPolicies(config, { text: 'Orchestrator', classless: true });
    this.#site = classlessSite('Orchestrator', policies, signalAt);
    setClasslessSite(this, this.#site);
  }

  /** What it has done so far, over all functions. */
  get stats(): Stats {
    return this.#site.statsNow();
  }

  /**
   * Calls a function through the pipeline. A signal as the last argument, or in it, governs the call.
   *
   * @param fn Any function; with `cpuBound`, an export of the module given.
   * @param args Its arguments.
   * @throws What the function threw last, or the error of a policy.
   */
  execute<Fn extends AnyFunction>(this: GeneratorProblem<Fn>, fn: Fn, ...args: Parameters<Fn>): Promise<Outcome<Fn>>;
  async execute<Fn extends AnyFunction>(fn: Fn, ...args: Parameters<Fn>): Promise<Outcome<Fn>> {
    requireFunction(fn, 'Orchestrator.execute()');
    return (await this.#site.run(fn, undefined, args)) as Outcome<Fn>;
  }

  /**
   * Calls each of several functions in turn with each item as its one argument. Results are in the order of the items;
   * those of the functions stand one after the other.
   *
   * @param fns The functions.
   * @param items Any iterable or async iterable.
   * @param options Those of `processAll`.
   * @throws The first failure's own error, unless `onError` is `'collect'`; what the items themselves threw.
   */
  process<
    Item,
    Fn extends OneArgument<Item, unknown>,
    Failure extends OnError = 'throw',
    Entries extends boolean = false,
  >(
    fns: readonly (Fn & OneArgument<Item, unknown>)[],
    items: Items<Item>,
    options?: ItemsOptions<Failure, Entries>,
  ): Promise<Delivered<Outcome<Fn>, Item, Failure, Entries>[]>;
  /**
   * Calls a function with each item as its one argument. Results are in the order of the items.
   *
   * @param fn A function.
   * @param items Any iterable or async iterable.
   * @param options Those of `processAll`.
   * @throws The first failure's own error, unless `onError` is `'collect'`; what the items themselves threw.
   */
  process<Item, Result, Failure extends OnError = 'throw', Entries extends boolean = false>(
    fn: OneArgument<Item, Result>,
    items: Items<Item>,
    options?: ItemsOptions<Failure, Entries>,
  ): Promise<Delivered<Awaited<Result>, Item, Failure, Entries>[]>;
  async process<Item>(
    fn: OneArgument<Item, unknown> | readonly OneArgument<Item, unknown>[],
    items: Items<Item>,
    options?: ItemsOptions<OnError, boolean>,
  ): Promise<unknown[]> {
    const asked = { text: 'Orchestrator.process()', caller: new Caller(methods.process) };
    if (!Array.isArray(fn)) requireFunction(fn, asked.text);
    if (typeof fn === 'function') return collectItems(asked, items, this.#work(fn, options), options);
    for (const each of fn) requireFunction(each, asked.text);
    const works = fn.map((each: OneArgument<Item, unknown>) => this.#work(each, options));
    return collectItemsForEach(asked, items, works, options);
  }

  /**
   * Results of a function over items, as an async iterable; items are pulled as results are taken.
   *
   * @param fn Any function; with `cpuBound`, an export of the module given.
   * @param items Any iterable or async iterable.
   * @param options Those of `processStream`.
   * @throws While results are taken: the first failure's own error, unless `onError` is `'collect'`; what the items
   * themselves threw.
   */
  stream<Item, Result, Failure extends OnError = 'throw', Entries extends boolean = false>(
    fn: OneArgument<Item, Result>,
    items: Items<Item>,
    options?: StreamOptions<Failure, Entries>,
  ): AsyncIterableIterator<Delivered<Awaited<Result>, Item, Failure, Entries>, undefined, undefined> {
    requireFunction(fn, 'Orchestrator.stream()');
    type Each = Delivered<Awaited<Result>, Item, Failure, Entries>;
    const asked = { text: 'Orchestrator.stream()', caller: new Caller(methods.stream) };
    const results = streamItems(asked, items, this.#work(fn, options), options);
    return results as AsyncIterableIterator<Each, undefined, undefined>;
  }

  /**
   * The function behind the pipeline; `this`, `name` and `length` stay. It always returns a promise. It has `process` and
   * `stream` of its own, for many items; `this` is undefined there.
   *
   * @param fn Any function; with `cpuBound`, an export of the module given.
   * @throws ConfigurationError when it is no function.
   * @example
   * const load = orchestrator.wrap(fetchUser);
   * const user = await load(42);
   * const users = await load.process([1, 2, 3], { onError: 'collect' });
   */
  wrap<Fn extends AnyFunction>(this: GeneratorProblem<Fn>, fn: Fn): Wrapped<Fn>;
  wrap<Fn extends AnyFunction>(fn: Fn): Wrapped<Fn> {
    requireFunction(fn, 'Orchestrator.wrap()');
    const site = this.#site;
    const wrapped = named(fn, function (this: unknown, ...args: unknown[]): Promise<unknown> {
      return site.run(fn, this, args);
    });
    setWrapped(wrapped, fn);
    const text = fn.name || 'wrapped';
    const each = fn as OneArgument<never, unknown>;
    const many = {
      process: async (items: Items<never>, options?: AnyOptions): Promise<unknown[]> => {
        const asked = { text: `${text}.process()`, caller: new Caller(many.process) };
        return collectItems(asked, items, this.#work(each, options), options);
      },
      stream: (items: Items<never>, options?: AnyOptions): AsyncIterable<unknown> => {
        const asked = { text: `${text}.stream()`, caller: new Caller(many.stream) };
        return streamItems(asked, items, this.#work(each, options), options);
      },
    };
    // As methods are: of no matter to whoever looks at the fields of the function.
    for (const [name, value] of Object.entries(many)) {
      Object.defineProperty(wrapped, name, { value, configurable: true, writable: true });
    }
    return wrapped as unknown as Wrapped<Fn>;
  }

  #work<Item>(fn: OneArgument<Item, unknown>, options: AnyOptions | undefined): Work<Item, unknown> {
    const call = (item: Item): unknown => this.#site.run(fn, undefined, [item]);
    return workOn(this.#site.policies, options, call, undefined, this.#site.name);
  }
}

/** The methods themselves, whatever stands in for them where somebody spies on them. Left out of a bundle with the class. */
const methods = /* @__PURE__ */ (() => {
  const { process, stream } = Orchestrator.prototype;
  return { process, stream };
})();

/**
 * A function and those that stand in for it, tried in order until one works; sync and async ones alike.
 *
 * @example
 * const chain = new FallbackChain(fetchPrice, [readCache, () => 0]);
 * const price = await chain.execute('tea');
 */
export class FallbackChain<Args extends readonly unknown[], Result> {
  readonly #run: ReturnType<typeof runnerHere>;
  readonly #primary: (...args: Args) => Result | PromiseLike<Result>;

  /**
   * @param primary Called first.
   * @param alternatives Called in order with the same arguments when it failed; at least one.
   * @throws ConfigurationError when one is not a function.
   */
  constructor(
    primary: (...args: Args) => Result | PromiseLike<Result>,
    alternatives: readonly ((...args: Args) => Result | PromiseLike<Result>)[],
  ) {
    const where: Where = { text: 'FallbackChain', classless: true };
    requireFunction(primary, where.text);
    if (!Array.isArray(alternatives) || alternatives.length === 0) {
      throw wrongOption(where, 'alternatives', alternatives, 'an array of at least one function');
    }
    this.#primary = primary;
    const site = classlessSite(where.text, [fallbackPolicy(readFallback({ alternatives }, where), where)]);
    // In a worker too, where a site applies no policy.
    this.#run = runnerHere(site.policies, site);
  }

  /**
   * Calls the first of them that works. A signal as the last argument, or in it, governs the call.
   *
   * @param args What each is called with.
   * @throws AllFailedError when none worked.
   */
  execute(...args: Args): Promise<Awaited<Result>> {
    return this.#run(this.#primary, undefined, args) as Promise<Awaited<Result>>;
  }
}
