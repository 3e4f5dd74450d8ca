import type { HookContext } from '../core/call/hooks.js';
import { type ErrorMatcher, errorMatcher } from '../core/call/matcher.js';
import { ConfigurationError } from '../core/errors.js';
import {
  budget,
  callback,
  durationOrInfinity,
  positiveDuration,
  positiveInteger,
  type Rule,
  readOptions,
  show,
  type Where,
} from '../core/options.js';
import { keyRule, type SharingConfig, scopeRule } from '../limits/limiters.js';
import type { CircuitState } from './circuit-options.js';
import type { Filled } from './told-circuits.js';

/**
 * What `onStateChange` is told. A change by hand, of `circuitOf`, has no call: `args` are none, and `attempt` is 1.
 *
 * @example
 * const onStateChange = ({ from, to, method }: CircuitEvent) => console.log(`${method}: ${from} -> ${to}`);
 */
export interface CircuitEvent<Args extends readonly unknown[] = readonly unknown[]> extends HookContext<Partial<Args>> {
  /** What the circuit was. */
  readonly from: CircuitState;
  /** What it is now. */
  readonly to: CircuitState;
  /** What opened it; undefined when it closed or was isolated, and where a value or a slow success opened it. */
  readonly error: unknown;
}

/** Failures in a row open the circuit. */
interface InARow {
  /** How many failures in a row open the circuit. Stands in place of `failureRatio`, `window` and `minCalls`. Default: none. */
  readonly consecutive?: number | undefined;
  readonly failureRatio?: undefined;
  readonly window?: undefined;
  readonly minCalls?: undefined;
}

/** A share of failures in a window opens the circuit. */
interface ByRatio {
  readonly consecutive?: undefined;
  /** The share of failures among the attempts in the window that opens the circuit, above 0 and up to 1. Default 0.5. */
  readonly failureRatio?: number | undefined;
  /** How far back the window reaches, in milliseconds. Default 10 000. */
  readonly window?: number | undefined;
  /** How many attempts must have ended within the window before the circuit opens. Default 20. */
  readonly minCalls?: number | undefined;
}

/**
 * Options of `@circuitBreaker`, for methods that give `Value`, of `This`, that take `Args`; `KeyArgs` are those that `key` takes.
 *
 * @example
 * const config: CircuitBreakerConfig = { failureRatio: 0.3, window: 30_000, minCalls: 10, halfOpenAfter: 10_000 };
 */
export type CircuitBreakerConfig<
  Value = never,
  This = never,
  Args extends readonly unknown[] = never,
  KeyArgs extends readonly unknown[] = Args,
> = CommonConfig<Value, This, Args, KeyArgs> & (InARow | ByRatio);

/** The options beside those that say how many failures open it. */
interface CommonConfig<Value, This, Args extends readonly unknown[], KeyArgs extends readonly unknown[]>
  extends SharingConfig<KeyArgs, This> {
  /**
   * How long the circuit stays open before it lets probes through, in milliseconds; or a function that says so each time
   * that it opens: `opening` counts from 1, and anew once it has closed. Infinity is allowed. Default 5000.
   */
  readonly halfOpenAfter?:
    | number
    | ((this: This, opening: number, error: unknown, context: HookContext<Args>) => number);
  /** How many probes may be under way at once, and how many have to succeed to close the circuit. Default 1. */
  readonly halfOpenCalls?: number;
  /** Which errors are failures; others count as successes. A predicate must not be async. Default: all. */
  readonly failOn?: ErrorMatcher<This, Args, boolean>;
  /** Which errors count neither as failures nor as successes, whatever `failOn` says. A predicate must not be async. Default: none. */
  readonly ignore?: ErrorMatcher<This, Args, boolean>;
  /** Whether an attempt counts as a failure although the method returned this value. Must not be async. Default: values are not looked at. */
  readonly failResult?: (this: This, value: Value, context: HookContext<Args>) => boolean;
  /** A success that took longer counts as a failure: milliseconds from the entry of the method, without waits. Default Infinity. */
  readonly slowAfter?: number;
  /**
   * Called after each change of the state, by the attempt that made it. If it throws, that call rejects with what it threw;
   * what a promise that it returns comes to is not looked at. At a change by hand `this` is the object that `circuitOf` was
   * given, undefined where that was the class of an instance method; what it throws then becomes a warning of the process.
   * Default: none.
   */
  readonly onStateChange?: (this: This | undefined, event: CircuitEvent<Args>) => unknown;
}

const ratio: Rule = {
  allowed: 'a number above 0 and up to 1',
  test: (value) => typeof value === 'number' && value > 0 && value <= 1,
};

const halfOpenAfter: Rule = {
  allowed: 'a number of milliseconds of at least 0 or Infinity, or a function that gives one',
  test: (value) => durationOrInfinity.test(value) || callback.test(value),
};

/** An empty list, as of classes that a module does not have, would have the circuit never open. */
const failOn: Rule = {
  allowed: 'an error class, a predicate function, or an array of at least one of these; for none, `() => false`',
  test: (value) => errorMatcher.test(value) && !(Array.isArray(value) && value.length === 0),
};

const rules = {
  consecutive: positiveInteger,
  failureRatio: ratio,
  window: positiveDuration,
  minCalls: positiveInteger,
  halfOpenAfter,
  halfOpenCalls: positiveInteger,
  failOn,
  ignore: errorMatcher,
  failResult: callback,
  slowAfter: budget,
  key: keyRule,
  scope: scopeRule,
  onStateChange: callback,
};

const ratioDefaults = { failureRatio: 0.5, window: 10_000, minCalls: 20 } as const;
const defaults = {
  halfOpenAfter: 5_000,
  halfOpenCalls: 1,
  slowAfter: Number.POSITIVE_INFINITY,
  scope: 'class',
} as const;

/**
 * The options in force, where others are put over them, without those that the others stand in place of: `failureRatio`
 * and `consecutive` say which way the circuit opens, and end the other one.
 */
function withoutOther(config: object | null, where: Where): Where {
  const { over } = where;
  if (over === undefined || config === null) return where;
  const named = (name: string): boolean => Reflect.get(config, name) !== undefined;
  const goesByRatio = named('failureRatio');
  if (!goesByRatio && !named('consecutive')) requireRatio(config, over, where);
  const others = goesByRatio ? ['consecutive'] : named('consecutive') ? Object.keys(ratioDefaults) : [];
  return { ...where, over: Object.fromEntries(Object.entries(over).filter(([name]) => !others.includes(name))) };
}

/** A window alone would end `consecutive` without a word. */
function requireRatio(config: object, over: object, { text, path }: Where): void {
  const consecutive: unknown = Reflect.get(over, 'consecutive');
  const name = ['window', 'minCalls'].find((each) => Reflect.get(config, each) !== undefined);
  if (consecutive === undefined || name === undefined) return;
  const problem = `\`${path}.${name}\` goes with \`failureRatio\`, got ${show(Reflect.get(config, name))}`;
  const cure = `\`consecutive\` (${consecutive}) is in force, so leave it out, or give \`failureRatio\` too`;
  throw new ConfigurationError(`${text}: ${problem}; ${cure}`);
}

export function readCircuit(given: unknown, asked: Where): Filled {
  const config = typeof given === 'object' ? given : { consecutive: given };
  const where = withoutOther(config, asked);
  const countsInARow = [config, where.over].some((each) => each && Reflect.get(each, 'consecutive') !== undefined);
  const options = readOptions<Filled>(
    where,
    config,
    rules,
    countsInARow ? defaults : { ...ratioDefaults, ...defaults },
  );
  const surplus = Object.entries(options).find(([name]) => countsInARow && Object.hasOwn(ratioDefaults, name));
  if (surplus === undefined) return options;
  const [name, value] = surplus;
  const problem = `\`consecutive\` counts failures in a row, so leave out \`${name}\`, got ${show(value)}`;
  throw new ConfigurationError(`${where.text}: ${problem}`);
}
