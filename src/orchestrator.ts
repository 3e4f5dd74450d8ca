import { ConfigurationError } from './core/errors.js';
import { named } from './core/interceptor.js';
import { isGenerator, show, type Where, wrongOption } from './core/options.js';
import { runnerHere, Site } from './core/site.js';
import type { AnyFunction, Policy, Stats } from './core/types.js';
import { collectItems, streamItems } from './items/items.js';
import { type Items, type ItemsOptions, type OnError, requireIterable, type StreamOptions } from './items/options.js';
import type { Collected } from './items/process.js';
import type { Progress } from './items/progress.js';
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

const siteFor = (label: string, policies: readonly Policy[]): Site => {
  const inForce = policies
    .toSorted((one, other) => one.rank - other.rank)
    .map((policy) => ({ policy, declaredBy: undefined }));
  return new Site(label, label, undefined, { inForce, entry: undefined });
};

function requireFunction(value: unknown, asked: string): void {
  if (typeof value !== 'function') throw new ConfigurationError(`${asked}: expected a function, got ${show(value)}`);
  if (!isGenerator(value)) return;
  const cure = 'a call of one runs none of its code, so give a function that goes through what it yields';
  throw new ConfigurationError(`${asked}: expected a function, got ${show(value)}; ${cure}`);
}

/**
 * The policies without decorators: runs any function, sync or async, through one pipeline. Its limiters are shared by
 * all that it runs.
 *
 * @example
 * const orchestrator = new Orchestrator({ retry: 3, rateLimit: 10, fallback: [readCache] });
 * const user = await orchestrator.execute(fetchUser, 42);
 * const users = await orchestrator.process(fetchUser, [1, 2, 3]);
 */
export class Orchestrator {
  readonly #site: Site;

  /**
   * @param config `retry`, `fallback` (functions), `rateLimit`, `concurrency`, `cpuBound`: options or shorthand of each
   * decorator. Default: none of them.
   * @throws ConfigurationError when an option is wrong.
   */
  constructor(config: Omit<OrchestratorConfig, 'inherit'> = {}) {
    const { policies } = readPolicies(config, { text: 'Orchestrator', classless: true });
    this.#site = siteFor('Orchestrator', policies);
  }

  /** What it has done so far, over all functions. */
  get stats(): Stats {
    return { ...this.#site.stats };
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
   * @throws The first failure's own error, unless `onError` is `'collect'`.
   */
  process<Item, Fn extends OneArgument<Item, unknown>, Failure extends OnError = 'throw'>(
    fns: readonly (Fn & OneArgument<Item, unknown>)[],
    items: Items<Item>,
    options?: ItemsOptions<Failure>,
  ): Promise<Collected<Outcome<Fn>, Item, Failure>[]>;
  /**
   * Calls a function with each item as its one argument. Results are in the order of the items.
   *
   * @param fn A function.
   * @param items Any iterable or async iterable.
   * @param options Those of `processAll`.
   * @throws The first failure's own error, unless `onError` is `'collect'`.
   */
  process<Item, Result, Failure extends OnError = 'throw'>(
    fn: OneArgument<Item, Result>,
    items: Items<Item>,
    options?: ItemsOptions<Failure>,
  ): Promise<Collected<Awaited<Result>, Item, Failure>[]>;
  async process<Item, Result, Failure extends OnError = 'throw'>(
    fn: OneArgument<Item, Result> | readonly OneArgument<Item, Result>[],
    items: Items<Item>,
    options?: ItemsOptions<Failure>,
  ): Promise<Collected<Awaited<Result>, Item, Failure>[]> {
    const asked = 'Orchestrator.process()';
    if (!Array.isArray(fn)) requireFunction(fn, asked);
    if (typeof fn === 'function') return this.#collect(fn, items, options);
    for (const each of fn) requireFunction(each, asked);
    requireIterable(items, asked);
    // Every function needs all items. Each is wrapped, so that a promise among them is not waited for.
    const { onProgress, progress: _shown, ...taking }: ItemsOptions = options ?? {};
    const beganAt = performance.now();
    const wrap = { run: async (item: Item) => ({ item }), concurrency: 1 };
    const taken = (await collectItems(asked, items, wrap, taking)) as { item: Item }[];
    const all = taken.map(({ item }) => item);
    const results: Collected<Awaited<Result>, Item, Failure>[] = [];
    let failed = 0;
    for (const each of fn as readonly OneArgument<Item, Result>[]) {
      const before = { done: results.length, failed };
      const tell = (progress: Progress): void => {
        failed = before.failed + progress.failed;
        const elapsed = performance.now() - beganAt;
        onProgress?.({ done: before.done + progress.done, failed, total: all.length * fn.length, elapsed });
      };
      const telling = onProgress === undefined ? options : { ...options, onProgress: tell };
      for (const result of await this.#collect(each, all, telling)) results.push(result);
    }
    return results;
  }

  /**
   * Results of a function over items, as an async iterable; items are pulled as results are taken.
   *
   * @param fn Any function; with `cpuBound`, an export of the module given.
   * @param items Any iterable or async iterable.
   * @param options Those of `processStream`.
   * @throws While results are taken: the first failure's own error, unless `onError` is `'collect'`.
   */
  stream<Item, Result, Failure extends OnError = 'throw'>(
    fn: OneArgument<Item, Result>,
    items: Items<Item>,
    options?: StreamOptions<Failure>,
  ): AsyncIterableIterator<Collected<Awaited<Result>, Item, Failure>, undefined, undefined> {
    requireFunction(fn, 'Orchestrator.stream()');
    return streamItems('Orchestrator.stream()', items, this.#work(fn, options), options) as AsyncIterableIterator<
      Collected<Awaited<Result>, Item, Failure>,
      undefined,
      undefined
    >;
  }

  /**
   * The function behind the pipeline; `this`, `name` and `length` stay. It always returns a promise.
   *
   * @param fn Any function; with `cpuBound`, an export of the module given.
   * @throws ConfigurationError when it is no function.
   */
  wrap<Fn extends AnyFunction>(
    this: GeneratorProblem<Fn>,
    fn: Fn,
  ): (this: ThisParameterType<Fn>, ...args: Parameters<Fn>) => Promise<Outcome<Fn>>;
  wrap<Fn extends AnyFunction>(fn: Fn): (...args: Parameters<Fn>) => Promise<Outcome<Fn>> {
    requireFunction(fn, 'Orchestrator.wrap()');
    const site = this.#site;
    return named(fn, function (this: unknown, ...args: unknown[]): Promise<Outcome<Fn>> {
      return site.run(fn, this, args) as Promise<Outcome<Fn>>;
    });
  }

  #work<Item, Result>(fn: OneArgument<Item, Result>, options: ItemsOptions | undefined): Work<Item, Awaited<Result>> {
    return workOn(
      this.#site.policies,
      options,
      (item: Item) => this.#site.run(fn, undefined, [item]),
      undefined,
      this.#site.name,
    );
  }

  #collect<Item, Result, Failure extends OnError>(
    fn: OneArgument<Item, Result>,
    items: Items<Item>,
    options: ItemsOptions<Failure> | undefined,
  ): Promise<Collected<Awaited<Result>, Item, Failure>[]> {
    const results = collectItems('Orchestrator.process()', items, this.#work(fn, options), options);
    return results as Promise<Collected<Awaited<Result>, Item, Failure>[]>;
  }
}

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
    const site = siteFor(where.text, [fallbackPolicy(readFallback({ alternatives }, where), where)]);
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
