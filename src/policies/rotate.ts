import type { Call } from '../core/call/call.js';
import { finalError } from '../core/call/final-errors.js';
import { misuse } from '../core/call/own-errors.js';
import { type ArgumentPlace, obstacleAt, placeText } from '../core/call/places.js';
import type { SiteInfo } from '../core/call/policy.js';
import { catchRejection } from '../core/call/thenable.js';
import { ConfigurationError } from '../core/errors.js';
import { callback, type Rule, readOptions, show, type Where, wrongOption } from '../core/options.js';
import { peek } from '../core/peek.js';

/**
 * Which argument `rotate` gives other values: its number, from 0; or a path to something in it, as `[0, 'apiKey']` is the
 * `apiKey` of the first one.
 *
 * @example
 * const place: RotatedArgument = [1, 'headers', 'authorization'];
 */
export type RotatedArgument = number | ArgumentPlace;

/** What gives the values for a call. It may say which arguments it takes: the decorator holds it to those of the method. */
type ValuesHook<Value, This, Args extends readonly unknown[]> = {
  values(this: This, ...args: Args): Iterable<Value>;
}['values'];

/** The values for an argument, or a function of the method's arguments that gives them. */
export type RotatedValues<Value = unknown, This = never, Args extends readonly unknown[] = never> =
  | readonly Value[]
  | ValuesHook<Value, This, Args>;

/** What `Values` are. */
export type ValueOf<Values> = Values extends readonly (infer Value)[]
  ? Value
  : Values extends (...args: never) => Iterable<infer Value>
    ? Value
    : never;

/** What a function among `Values` needs of the method; nothing where it takes what the hooks take, of whom as much is said. */
export type NeedsOfValues<Values, This, Args> = Values extends readonly unknown[]
  ? never
  : Values extends (this: infer OwnThis, ...args: infer OwnArgs extends readonly unknown[]) => unknown
    ? [OwnThis, OwnArgs, This, Args] extends [This, Args, OwnThis, OwnArgs]
      ? never
      : { option: 'rotate.values'; this: OwnThis; args: OwnArgs }
    : never;

/**
 * Option `rotate` of `@fallback`: runs the method again with other values in the place of an argument. `Values` are the values,
 * or what gives them.
 *
 * @example
 * const rotate: RotateConfig<string> = { argument: 0, values: ['eu.example', 'us.example'], start: 'next' };
 */
export interface RotateConfig<
  Value = unknown,
  This = never,
  Args extends readonly unknown[] = never,
  At extends RotatedArgument = RotatedArgument,
  Values = RotatedValues<Value, This, Args>,
> {
  /**
   * Which argument: its number, from 0, or a path, as `[0, 'apiKey']`. Required. Plain objects and arrays on the way are copied, never
   * changed; an object of a class there is a ConfigurationError from the call.
   */
  readonly argument: At;
  /**
   * The values, or a function of the method's arguments that gives them, in an array or another iterable, which is read
   * whole at each call. Required. When it gives anything else, the call rejects with a ConfigurationError; when it throws, with what
   * it threw.
   */
  readonly values: Values;
  /**
   * Which value is first: `'given'` (default), that of the caller; `'next'`, the one after the value that the call before
   * began with, whatever the caller gave.
   */
  readonly start?: 'given' | 'next';
}

/** The option, checked and filled in. */
export interface Rotate {
  readonly argument: RotatedArgument;
  readonly values: readonly unknown[] | ((...args: never[]) => unknown);
  readonly start: 'given' | 'next';
}

const isIndex = (value: unknown): boolean => Number.isSafeInteger(value) && (value as number) >= 0;
const isName = (value: unknown): boolean =>
  (typeof value === 'string' && value !== '') || typeof value === 'symbol' || isIndex(value);

const rules = {
  argument: {
    allowed: "the number of an argument, from 0, or a path, as [0, 'apiKey']",
    test: (value) => isIndex(value) || (Array.isArray(value) && isIndex(value[0]) && value.every(isName)),
  },
  values: {
    allowed: 'an array of at least one value, or a function that gives the values',
    test: (value) =>
      (Array.isArray(value) && value.length > 0) ||
      callback.test(value) ||
      (typeof value === 'function' && isSyncGenerator(value)),
  },
  // Not by `oneOf`, as bundles that need none of this would keep what a call gives.
  start: { allowed: "'given' or 'next'", test: (value) => value === 'given' || value === 'next' },
} satisfies Record<string, Rule>;

/** What it gives is an iterable. */
const isSyncGenerator = (fn: object): boolean => peek(fn, Symbol.toStringTag) === 'GeneratorFunction';

/** Shows how many values there are, not which: they may be secrets. */
const inspected = Symbol.for('nodejs.util.inspect.custom');

/** The option `rotate` of the options of a fallback; undefined where it is not among them. */
export function readRotate(given: unknown, within: Where): Rotate | undefined {
  if (!Object.hasOwn(Object(given), 'rotate')) return undefined;
  const { rotate: config } = given as { readonly rotate?: unknown };
  if (config === undefined) return undefined;
  const { text, path, member, classless } = within;
  const where = { text, path: path === undefined ? 'rotate' : `${path}.rotate` };
  if (member === undefined && !classless) {
    const problem = `\`${where.path}\` names an argument of one method, got ${show(config)}`;
    throw new ConfigurationError(`${text}: ${problem}; put it on that method`);
  }
  const read = readOptions<Rotate>(where, config, rules, { start: 'given' });
  for (const name of ['argument', 'values'] as const) {
    if (read[name] === undefined) throw wrongOption(where, name, undefined, rules[name].allowed);
  }
  if (!Array.isArray(read.values)) return read;
  const values = Object.defineProperty([...read.values], inspected, { value: () => `[${read.values.length} values]` });
  return Object.freeze({ ...read, values: Object.freeze(values) });
}

/** The place that is meant. */
export const placeOf = ({ argument }: Rotate): ArgumentPlace =>
  typeof argument === 'number' ? [argument] : (argument as ArgumentPlace);

/** The values that the option gives for a call. Throws what their function throws, or why the call cannot have them. */
export function valuesFor(call: Call, rotate: Rotate, site: SiteInfo): readonly unknown[] {
  const obstacle = obstacleAt(call.args, placeOf(rotate));
  if (obstacle !== undefined) {
    const { found, at } = obstacle;
    const problem = `expected ${placeText(at)} to be a plain object or an array, which \`rotate\` can copy`;
    throw refused(`${problem}, got ${show(found)}`, call, site);
  }
  const { values } = rotate;
  if (typeof values !== 'function') return values;
  let given: unknown;
  try {
    given = Reflect.apply(values, call.self, call.args);
    if (isIterable(given)) return [...given];
  } catch (thrown) {
    throw finalError(thrown, call);
  }
  // Of a promise, what it comes to is nobody's affair.
  catchRejection(given);
  throw refused(`expected \`rotate.values\` to return an array or another iterable, got ${show(given)}`, call, site);
}

const refused = (problem: string, call: Call, site: SiteInfo): Error =>
  finalError(misuse('fallback', problem, site), call);

/** A string is one, but its letters are nobody's values. */
const isIterable = (value: unknown): value is Iterable<unknown> =>
  typeof value === 'object' && value !== null && typeof (value as Iterable<unknown>)[Symbol.iterator] === 'function';
