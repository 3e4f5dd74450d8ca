import { isErrorClass } from '../core/call/matcher.js';
import type { Policy } from '../core/call/policy.js';
import { policyDecorator } from '../core/decoration/decorate.js';
import type { ContextOnly, PolicyDecorator, WithoutContext } from '../core/decoration/decorator-types.js';
import type { Primitive, SomeLiteral } from '../core/decoration/primitive.js';
import { relink } from '../core/decoration/relink.js';
import { allSites } from '../core/decoration/site.js';
import { anything, callback, duration, type Rule, readOptions, type Where } from '../core/options.js';
import { isError } from '../core/realm.js';
import { once, type Undo } from '../core/undo.js';
import { chaosStep, type Filled } from './chaos-step.js';
import type { Plain } from './fallback.js';
import { rankOf } from './order.js';

/**
 * Options of `@chaos`, for methods of `This` that take `Args` and give `Result`. Functions among them get the arguments of the
 * call, and the receiver as `this`.
 *
 * @example
 * const config: ChaosConfig = { rate: 0.1, latency: 300, error: () => new Error('injected') };
 */
export interface ChaosConfig<Result = unknown, This = never, Args extends readonly unknown[] = never> {
  /** The share of attempts that something is done to, from 0, none, to 1, all. Default 1. */
  readonly rate?: number;
  /**
   * What the attempt fails with, in place of the method: an error, or a function that gives one; undefined: none for this
   * attempt. What the function throws is thrown, too. Default: none.
   */
  readonly error?: Error | ((this: This, ...args: Args) => unknown);
  /** How long the attempt takes before anything else, in milliseconds, or a function that says so. Default: no time. */
  readonly latency?: number | ((this: This, ...args: Args) => number);
  /**
   * What the attempt gives, in place of the method, where it does not fail; also undefined, where that is given by name. Or a
   * function that gives it, which may be async. Default: what the method gives.
   */
  readonly result?: Result | ((this: This, ...args: Args) => Result | PromiseLike<Result>);
  /** Drawn once for each attempt: below `rate`, something is done to it. Default: Math.random. */
  readonly random?: () => number;
}

declare module '../core/policies.js' {
  interface Policies {
    /** The options of `@chaos`. */
    readonly chaos: ChaosConfig;
  }
}

const isHook = (value: unknown): boolean => callback.test(value) && !isErrorClass(value);

const rules = {
  rate: {
    allowed: 'a number from 0 to 1',
    test: (value) => typeof value === 'number' && value >= 0 && value <= 1,
  },
  error: { allowed: 'an error, or a function that gives one', test: (value) => isError(value) || isHook(value) },
  latency: {
    allowed: 'a finite number of milliseconds of at least 0, or a function that gives one',
    test: (value) => duration.test(value) || isHook(value),
  },
  result: anything,
  random: callback,
} satisfies Record<string, Rule>;

const random = (): number => Math.random();

/** How often `chaos.enable` is in force. */
let enabled = 0;

/** What is configured is on. */
const isConfigured = ({ over }: Where): boolean => over !== undefined;

export function chaosPolicy(given: ChaosConfig | undefined, where: Where): Policy {
  const config = given === undefined ? {} : given;
  const read = readOptions<Filled>(where, config, rules, { rate: 1, random });
  // Undefined may be the result, too.
  const source = [config, where.over ?? {}].find((each) => Object.hasOwn(each, 'result'));
  const options: Filled =
    source === undefined ? read : Object.freeze({ ...read, result: (source as ChaosConfig).result });
  const isOn = (): boolean => isConfigured(where) || enabled > 0;
  const doesNothing = options.error === undefined && options.latency === undefined && source === undefined;
  return {
    kind: 'chaos',
    options,
    // Off, there is no step at all.
    steps: [{ rank: rankOf('chaos'), wrap: (around, site) => (isOn() ? chaosStep(options, around, site) : {}) }],
    caution() {
      if (!isOn()) return undefined;
      if (doesNothing) return 'it is switched on, but has nothing to do; give it an error, a latency or a result';
      return `it is switched on: ${options.rate * 100} % of the attempts are tampered with`;
    },
  };
}

/** Has the next calls of the methods concerned compile their pipelines anew. */
function relinkAll(): void {
  for (const site of allSites()) if (site.policies.some(({ kind }) => kind === 'chaos')) relink(site);
}

function enable(): Undo {
  if (++enabled === 1) relinkAll();
  return once(() => {
    if (--enabled === 0) relinkAll();
  });
}

/**
 * The factory of `@chaos`, and what switches all of them on.
 *
 * @example
 * const decorator: Chaos = chaos;
 */
export interface Chaos {
  // Without parentheses, for the compiler to show what to write.
  <Second>(
    first: unknown,
    second: Second & ContextOnly<Second>,
  ): { readonly 'write this decorator with parentheses': '@chaos()' } & WithoutContext<Second>;
  <
    This,
    Args extends readonly unknown[],
    Literal extends Primitive = SomeLiteral,
    Result extends Plain<Literal> = Plain<Literal>,
  >(
    config?: ChaosConfig<Result, This, Args>,
  ): PolicyDecorator<{ value: Result; of: 'result' } | { option: 'chaos'; this: This; args: Args }>;
  /**
   * Switches every `@chaos` of the program on, with the options that it was given, from the next calls on.
   *
   * @returns What switches them off again: a function, and a Disposable. Of several, the last counts.
   */
  enable(): Undo;
}

/**
 * Does something to attempts on purpose, to see what becomes of the calls: has them take longer, fail, or give another result.
 * It is off until `configure(Class, 'method', { chaos: { ... } })` names it, or `chaos.enable()` switches on all there are.
 *
 * @param config The options, which all have defaults: `rate` (1), `error`, `latency` (in ms), `result`, `random` (Math.random).
 * @throws ConfigurationError at decoration, when an option is wrong; from the call, when `latency` or `random` gives no such
 * number, or `error` a promise.
 * @example
 * class Weather {
 *   \@retry(3)
 *   \@chaos({ rate: 0.2, latency: 300, error: () => new Error('injected') })
 *   async forecast(city: string): Promise<Forecast> { ... }
 * }
 *
 * using drill = chaos.enable();
 */
export const chaos: Chaos = /* @__PURE__ */ Object.assign(
  (...given: readonly unknown[]): never =>
    policyDecorator('chaos', given, 1, (where) => chaosPolicy(given[0] as ChaosConfig | undefined, where)) as never,
  { enable },
);
