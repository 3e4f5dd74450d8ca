import { classesOf, type ErrorMatcher, errorMatcher, toMatches } from '../core/call/matcher.js';
import type { Policy } from '../core/call/policy.js';
import { policyDecorator } from '../core/decoration/decorate.js';
import type { ContextOnly, PolicyDecorator } from '../core/decoration/decorator-types.js';
import { notAMethod } from '../core/decoration/not-a-method.js';
import type { Primitive, SomeLiteral } from '../core/decoration/primitive.js';
import { ConfigurationError } from '../core/errors.js';
import {
  anything,
  isClass,
  isGenerator,
  type Rule,
  readOptions,
  show,
  type Where,
  wrongOption,
} from '../core/options.js';
import { fallbackStep } from './fallback-step.js';
import { rankOf } from './order.js';
import {
  type NeedsOfValues,
  placeOf,
  type Rotate,
  type RotateConfig,
  type RotatedArgument,
  type RotatedValues,
  readRotate,
  type ValueOf,
} from './rotate.js';
import { rotateStep } from './rotation.js';

/**
 * What may stand in for a method: the name of another method of its class, or a function of the same signature.
 *
 * @example
 * const alternatives: readonly Alternative[] = ['cached', (city: string) => `${city}: nothing known`];
 */
// biome-ignore lint/suspicious/noConfusingVoidType: a function that returns nothing is one, too
export type Alternative<Result = unknown> = PropertyKey | ((...args: never[]) => Result | void);

/**
 * Anything; named part by part, so that literals keep their types, and tuples stay tuples.
 *
 * @example
 * const lastResort: Plain = { kind: 'none', list: [] };
 */
export type Plain<Literal = Primitive> =
  | Literal
  | NonNullable<unknown>
  | null
  | undefined
  | []
  | readonly Plain<Literal>[]
  | { readonly [name: string]: Plain<Literal> };

/**
 * Options of `@fallback`. At least an alternative, a value or `rotate` is required.
 *
 * @example
 * const config: FallbackConfig = { alternatives: ['cached'], value: 0, on: [HttpError] };
 */
export interface FallbackConfig<
  Alternatives extends readonly Alternative[] = readonly Alternative[],
  Value = unknown,
  This = never,
  Args extends readonly unknown[] = never,
  Values = RotatedValues<unknown, This, Args>,
  At extends RotatedArgument = RotatedArgument,
> {
  /** Method names or functions, tried in order with the same `this` and arguments. Default: none. */
  readonly alternatives?: Alternatives;
  /** What the call returns when nothing else worked; also undefined, where that is given by name. Default: none. */
  readonly value?: Value;
  /** Which errors of the method lead to the alternatives, and on to the next value of `rotate`; others pass through untouched. Default: all. */
  readonly on?: ErrorMatcher<This, Args>;
  /**
   * Runs the method again, retries and all, with other values in the place of an argument, before the alternatives, which get
   * the arguments of the caller. Default: none.
   */
  readonly rotate?: RotateConfig<unknown, This, Args, At, Values>;
}

declare module '../core/policies.js' {
  interface Policies {
    /** The alternatives, or the options of `@fallback`. */
    readonly fallback: readonly Alternative[] | FallbackConfig;
  }
}

const isAlternative = (value: unknown): value is Alternative =>
  (typeof value === 'function' && !isClass(value)) ||
  typeof value === 'string' ||
  typeof value === 'symbol' ||
  (typeof value === 'number' && !Number.isNaN(value));

const alternativesRule: Rule = {
  allowed: 'an array of method names and functions',
  test: (value) => Array.isArray(value) && value.every(isAlternative),
};

const rules = { alternatives: alternativesRule, value: anything, on: errorMatcher, rotate: anything };

type Filled = Omit<FallbackConfig, 'rotate'> & {
  readonly alternatives: readonly Alternative[];
  readonly rotate?: Rotate;
};

export function readFallback(given: unknown, where: Where): Filled {
  const rotate = readRotate(given, where);
  const config = rotate === undefined ? given : { ...(given as object), rotate };
  const options = readOptions<Filled>(where, config, rules, { alternatives: [] });
  const source = [given as object, where.over ?? {}].find((each) => Object.hasOwn(each, 'value'));
  const generator = options.alternatives.find((each) => typeof each === 'function' && isGenerator(each));
  if (generator !== undefined) {
    const names = where.classless ? '' : 'method names and ';
    throw wrongOption(where, 'alternatives', generator, `${names}functions whose code runs when they are called`);
  }
  if (options.alternatives.length === 0 && source === undefined && options.rotate === undefined) {
    const allowed = 'an array of at least one method name or function, as there is no `value` and no `rotate`';
    throw wrongOption(where, 'alternatives', (given as FallbackConfig).alternatives, allowed);
  }
  const alternatives = Object.freeze(
    options.alternatives.map((each) => (typeof each === 'number' ? String(each) : each)),
  );
  return Object.freeze(
    source ? { ...options, alternatives, value: (source as FallbackConfig).value } : { ...options, alternatives },
  );
}

/** What is known of a policy, by its options. */
interface Origin {
  /** What policies have in common that come from one decorator, whatever method they are for and however they were changed. */
  readonly family: object;
  /** The configuration that its names come from, for messages; undefined where they are those of the decorator. */
  readonly namedBy: string | undefined;
}

const origins = new WeakMap<object, Origin>();

function originOf({ alternatives }: Filled, where: Where): Origin {
  const declared = where.over as Filled | undefined;
  const origin = declared && origins.get(declared);
  if (declared === undefined || origin === undefined) return { family: where, namedBy: undefined };
  const isNamed = alternatives.some((each) => !declared.alternatives.includes(each));
  return isNamed ? { ...origin, namedBy: where.text } : origin;
}

/** The policy for options that were read already. */
export function fallbackPolicy(options: Filled, where: Where): Policy {
  const origin = originOf(options, where);
  const { family, namedBy } = origin;
  origins.set(options, origin);
  const { alternatives, rotate } = options;
  const wrongName = where.classless ? alternatives.find((each) => typeof each !== 'function') : undefined;
  if (where.member !== undefined && alternatives.includes(where.member)) {
    throw wrongOption(where, 'alternatives', where.member, 'functions and names of other methods');
  }
  if (wrongName !== undefined)
    throw wrongOption(where, 'alternatives', wrongName, 'functions, as there is no class to look names up in');
  const matches = options.on && toMatches(options.on);
  const hasValue = Object.hasOwn(options, 'value');

  const policy: Policy = {
    kind: 'fallback',
    options,
    errorClasses: classesOf(options.on),
    steps: [
      { rank: rankOf('fallback'), wrap: fallbackStep(options, matches, family) },
      ...(rotate === undefined ? [] : [rotateStep(rotate, matches, () => policy)]),
    ],
    ...(rotate !== undefined && { replaces: placeOf(rotate) }),
    verify(site, target) {
      for (const alternative of alternatives) {
        if (typeof alternative === 'function') continue;
        const problem = notAMethod(target, alternative);
        if (problem !== undefined) {
          const cure = 'name a method of the class, or give a function';
          const subject = namedBy === undefined ? '@fallback on' : `${namedBy}: \`fallback\` of`;
          throw new ConfigurationError(`${subject} ${site.label}: ${problem}; ${cure}`);
        }
      }
    },
    narrow(name) {
      if (!alternatives.includes(name as Alternative)) return this;
      const others = alternatives.filter((each) => each !== name);
      if (others.length === 0 && !hasValue && rotate === undefined) return undefined;
      return fallbackPolicy(Object.freeze({ ...options, alternatives: Object.freeze(others) }), where);
    },
  };
  return policy;
}

/**
 * When the method fails, tries the alternatives in order, with the same `this` and arguments.
 *
 * @param alternatives Method names of the class and functions of the method's signature, or one options object:
 * `alternatives`, `value` (a constant as the last resort), `on` (which errors; default all), `rotate` (other values for an
 * argument, with which the method runs again before the alternatives: `argument`, `values`, `start` (`'given'`)).
 * @throws ConfigurationError at decoration, when an option is wrong; at construction, when the instance lacks a method
 * named; from the call, when `rotate.values` gives no iterable, or an object on the way to the argument cannot be copied.
 * @throws AllFailedError from the call, when the method, with every value, and every alternative failed.
 * @example
 * class Weather {
 *   \@fallback('cached')
 *   async forecast(city: string): Promise<Forecast> { ... }
 *   async cached(city: string): Promise<Forecast> { ... }
 * }
 */
export function fallback<Literal extends Primitive, const Alternatives extends readonly Alternative<Plain<Literal>>[]>(
  ...alternatives: Alternatives
): Alternatives extends readonly []
  ? { readonly 'give at least one alternative': '@fallback(...)' }
  : PolicyDecorator<{ alternatives: Alternatives }>;
// Without parentheses, for the compiler to show what to write.
export function fallback<Second>(
  first: unknown,
  second: Second & ContextOnly<Second, { readonly 'give names and functions, or one object with all options': Second }>,
): { readonly 'write this decorator with parentheses': '@fallback(...)' };
export function fallback<
  This,
  Args extends readonly unknown[],
  Literal extends Primitive = SomeLiteral,
  Each extends Alternative<Plain<Literal>> = Alternative<Plain<Literal>>,
  Value extends Plain<Literal> = Plain<Literal>,
  Values extends RotatedValues<Plain<Literal>, This, Args> = RotatedValues<Plain<Literal>, This, Args>,
  const At extends RotatedArgument = RotatedArgument,
>(
  config: FallbackConfig<readonly Each[], Value, This, Args, Values, At>,
): PolicyDecorator<
  | { alternatives: readonly Each[] }
  | { value: Value }
  | { option: 'on'; this: This; args: Args }
  | NeedsOfValues<Values, This, Args>
  | { rotate: At; values: ValueOf<Values> }
>;
export function fallback(...given: readonly unknown[]): unknown {
  return policyDecorator('fallback', given, Number.POSITIVE_INFINITY, (where) =>
    fallbackPolicy(readFallback(fallbackConfig(given, where), where), where),
  );
}

/** The options that the arguments of `fallback()` stand for. */
function fallbackConfig(given: readonly unknown[], where: Where): unknown {
  const config = given.find((each) => typeof each === 'object' && !Array.isArray(each));
  if (config === undefined) return { alternatives: given };
  if (given.length === 1) return config;
  const cure = 'with options, give the names as `alternatives` among them';
  throw new ConfigurationError(`${where.text}: expected method names and functions, got ${show(config)}; ${cure}`);
}
