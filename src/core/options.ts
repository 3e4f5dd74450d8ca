import { ConfigurationError } from './errors.js';
import { node } from './node.js';
import type { AnyClass, AnyFunction } from './types.js';

/** Holds the type of what a rule allows, for the compiler alone. */
declare const valueType: unique symbol;

/**
 * What an option of a policy may be: the test, and the words for it. Those of opero are `oneOf`, `positiveInteger`,
 * `positive`, `duration`, `flag`, `callback` and `anything`; one of your own is an object like these.
 *
 * @example
 * const port: Rule<number> = {
 *   allowed: 'a port number',
 *   test: (value) => Number.isInteger(value) && Number(value) > 0 && Number(value) < 65_536,
 * };
 */
export interface Rule<Value = unknown> {
  /** What is allowed, in words that stand after "expected `port` to be". */
  readonly allowed: string;
  /** Whether a value is allowed; `undefined` is never asked about, as it counts as not given. */
  readonly test: (value: unknown) => boolean;
  readonly [valueType]?: Value;
  /** Set where `configure` must leave the option as it is. */
  readonly isFixed?: boolean;
}

/** Where options come from, for messages: the decorated member, and the path of the options inside those of another. */
export interface Where {
  readonly text: string;
  readonly path?: string;
  /** The name of the decorated member; undefined for a class. */
  readonly member?: PropertyKey | undefined;
  /** Set where no class is, so that methods cannot be named. */
  readonly classless?: boolean;
  /** Set where options in force are changed: those that are not named stay as they are here. */
  readonly over?: object;
  /** Called once every option that is named was checked, where that is all that is wanted. */
  readonly checked?: () => never;
}

const isNumber = (value: unknown): value is number => typeof value === 'number' && !Number.isNaN(value);
const rule = <Value>(allowed: string, test: (value: unknown) => boolean): Rule<Value> => ({ allowed, test });
const numbers = rule<number>;

/**
 * Rule of an option: an integer of at least 1.
 *
 * @example
 * const options = { limit: positiveInteger };
 */
export const positiveInteger: Rule<number> = numbers(
  'an integer of at least 1',
  (v) => Number.isSafeInteger(v) && (v as number) >= 1,
);
export const countOrInfinity = numbers(
  'an integer of at least 1 or Infinity',
  (v) => v === Number.POSITIVE_INFINITY || positiveInteger.test(v),
);
export const queueLength = numbers(
  'an integer of at least 0 or Infinity',
  (v) => v === Number.POSITIVE_INFINITY || v === 0 || positiveInteger.test(v),
);

/**
 * Rule of an option: a finite number above 0, fractions included.
 *
 * @example
 * const options = { factor: positive };
 */
export const positive: Rule<number> = numbers(
  'a finite number above 0',
  (v) => Number.isFinite(v) && (v as number) > 0,
);

/**
 * Rule of an option: a finite number of milliseconds of at least 0.
 *
 * @example
 * const options = { wait: duration };
 */
export const duration: Rule<number> = numbers(
  'a finite number of milliseconds of at least 0',
  (v) => Number.isFinite(v) && (v as number) >= 0,
);

export const durationOrInfinity = numbers(
  'a number of milliseconds of at least 0 or Infinity',
  (v) => isNumber(v) && v >= 0,
);
export const positiveDuration = numbers('a finite number of milliseconds above 0', positive.test);
export const budget = numbers('a number of milliseconds above 0 or Infinity', (v) => isNumber(v) && v > 0);

/**
 * Rule of an option: true or false.
 *
 * @example
 * const options = { verbose: flag };
 */
export const flag: Rule<boolean> = rule('true or false', (v) => typeof v === 'boolean');

/**
 * Rule of an option: a function, of which `as` tells the type. Generator functions are refused, as a call of one runs none of
 * its code.
 *
 * @example
 * const options = { onSlow: callback as Rule<(method: string) => void> };
 */
export const callback: Rule<AnyFunction> = rule('a function', (v) => typeof v === 'function' && !isGenerator(v));

/**
 * Rule of an option: whatever it may be; `as` tells the type.
 *
 * @example
 * const options = { logger: anything as Rule<Console> };
 */
export const anything: Rule = rule('anything', () => true);

/**
 * Rule of an option: one of these words.
 *
 * @param values The words, at least one.
 * @throws ConfigurationError when one of them is no string, or there is none.
 * @example
 * const options = { level: oneOf('low', 'high') };
 */
export function oneOf<Word extends string>(...values: readonly [Word, ...Word[]]): Rule<Word>;
export function oneOf(...values: readonly unknown[]): Rule<string> {
  if (values.length === 0) throw new ConfigurationError('oneOf(): expected at least one word, got none');
  for (const each of values) {
    if (typeof each === 'string') continue;
    throw new ConfigurationError(`oneOf(): expected each value to be a string, got ${show(each)}`);
  }
  return rule(values.map((value) => `'${value}'`).join(' or '), (v) => values.includes(v));
}

/** The same rule for an option that stays as it was declared. */
export const fixed = <Value>(option: Rule<Value>): Rule<Value> => ({ ...option, isFixed: true });

/** Whether a value was written with the `class` keyword, so that it cannot be called; a method may have that as its name. */
export const isClass = (value: unknown): value is AnyClass =>
  typeof value === 'function' && /^class(?![\p{ID_Continue}$\\]|\s*\()/u.test(Function.prototype.toString.call(value));

/** Whether a function is a generator function, async or not: a call of it runs none of its code. */
export const isGenerator = (fn: object): boolean => {
  const tag = (fn as { [Symbol.toStringTag]?: unknown })[Symbol.toStringTag];
  return tag === 'GeneratorFunction' || tag === 'AsyncGeneratorFunction';
};

/** What an object gives by names of its own, symbols included. */
export const entriesOf = (given: object): [string | symbol, unknown][] =>
  Reflect.ownKeys(given)
    .filter((name) => Object.prototype.propertyIsEnumerable.call(given, name))
    .map((name) => [name, Reflect.get(given, name)]);

/** Whether an object has no class, of whatever realm it is. */
function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

/** Whether options may stand in it by their names: not in what has a class and no names, as a Map or a promise not awaited. */
export const hasNames = (given: unknown): given is object =>
  typeof given === 'object' &&
  given !== null &&
  !Array.isArray(given) &&
  (isPlain(given) || Object.keys(given).length > 0);

/**
 * The options of a change as they are now, whatever becomes of the object; a number as it is.
 *
 * @throws ConfigurationError when there are none.
 */
export function copyOfOptions(given: unknown, where: Where): unknown {
  const isMissing = given === undefined || (typeof given === 'object' && !hasNames(given));
  if (isMissing)
    throw new ConfigurationError(`${where.text}: expected the options to be an object, got ${show(given)}`);
  return typeof given === 'object' ? { ...given } : given;
}

/** A value for a message: short, on one line, with its type where that is not plain to see; whatever the value does about it. */
export const show = (value: unknown): string => {
  try {
    const text = typeof value === 'function' ? nameOf(value) : inspected(value);
    return text.length > 80 ? `${text.slice(0, 77)}...` : text;
  } catch {
    return 'what cannot be shown';
  }
};

const nameOf = (fn: { readonly name: unknown }): string => {
  const kind = isGenerator(fn) ? 'generator function' : 'function';
  return typeof fn.name === 'string' && fn.name !== '' ? `the ${kind} ${fn.name}` : `a ${kind}`;
};

const inspected = (value: unknown): string =>
  node('node:util')
    .inspect(value, { depth: 0, breakLength: Number.POSITIVE_INFINITY, maxStringLength: 60 })
    .replace(/\s*\n\s*/g, ' ')
    .replace(secretInUrl, '://...@')
    .replace(secretText, '$1...');

/** Messages end up in logs: the passwords that connections hold stay out of them. */
const secretInUrl = /:\/\/[^/@\s]*@/g;
const secretName = /password|passphrase|secret|token|api[-_]?key/i;
const secretText = new RegExp(`([\\w-]*(?:${secretName.source})[\\w-]*'?: )(['"\`]).*?\\2(?=[,. ]|$)`, 'gi');

/** The value of an option of this name, for a message. */
const showOption = (name: PropertyKey, value: unknown): string =>
  typeof value === 'string' && secretName.test(String(name)) ? 'a text' : show(value);

const optionName = ({ path }: Where, name: PropertyKey): string =>
  path === undefined ? String(name) : `${path}.${String(name)}`;

/** The error for one option of a wrong value. */
export function wrongOption(where: Where, name: string, value: unknown, allowed: string): ConfigurationError {
  const text = `${where.text}: expected \`${optionName(where, name)}\` to be ${allowed}, got ${showOption(name, value)}`;
  return new ConfigurationError(text);
}

/** The error for an option that there is not. */
export function unknownOption(
  where: Where,
  name: PropertyKey,
  value: unknown,
  known: readonly string[],
): ConfigurationError {
  const unknown = `unknown option \`${optionName(where, name)}\` (${showOption(name, value)})`;
  return new ConfigurationError(`${where.text}: ${unknown}; known options are ${known.join(', ')}`);
}

function fixedOption(where: Where, name: string, value: unknown): ConfigurationError {
  const text = `${where.text}: \`${optionName(where, name)}\` stays as it was declared, got ${show(value)}`;
  return new ConfigurationError(`${text}; leave it out`);
}

/**
 * The options object, checked against its rules: known names only, each value allowed. An option that is undefined
 * counts as not given. Gives a frozen copy that holds the defaults too, or what `where.over` has in their place.
 */
export function readOptions<Options extends object>(
  where: Where,
  given: unknown,
  rules: Readonly<Record<string, Rule>>,
  defaults: Partial<Options>,
): Options {
  if (!hasNames(given)) {
    const subject = where.path ? `\`${where.path}\`` : 'the options';
    throw new ConfigurationError(`${where.text}: expected ${subject} to be an object, got ${show(given)}`);
  }
  const options: Record<string, unknown> = {};
  const over: Readonly<Record<string, unknown>> = { ...where.over };
  for (const name of Object.keys(rules)) {
    if (Object.hasOwn(over, name)) options[name] = over[name];
    else if (Object.hasOwn(defaults, name)) options[name] = defaults[name as keyof Options];
    else if ((given as Record<string, unknown>)[name] !== undefined) options[name] = undefined;
  }
  for (const [name, value] of entriesOf(given)) {
    const check = typeof name === 'string' && Object.hasOwn(rules, name) ? rules[name] : undefined;
    if (typeof name === 'symbol' || check === undefined) throw unknownOption(where, name, value, Object.keys(rules));
    if (value === undefined) continue;
    if (!check.test(value)) throw wrongOption(where, name, value, check.allowed);
    if (where.over !== undefined && check.isFixed) throw fixedOption(where, name, value);
    // A copy: what becomes of the array that was given is its owner's affair.
    options[name] = Array.isArray(value) ? Object.freeze([...value]) : value;
  }
  where.checked?.();
  return Object.freeze(options) as Options;
}
