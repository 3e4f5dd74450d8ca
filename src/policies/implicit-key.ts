import type { Call } from '../core/call/call.js';
import { finalError } from '../core/call/final-errors.js';
import { misuse } from '../core/call/own-errors.js';
import { type ArgumentPlace, isPlain, replacedPlace } from '../core/call/places.js';
import type { SiteInfo } from '../core/call/policy.js';
import type { SignalPlace } from '../core/call/signal-place.js';
import { indexOfLast, isSignal } from '../core/call/signals.js';
import { show } from '../core/options.js';
import type { PolicyKind } from '../core/policies.js';

const isNoSignal = (value: unknown): boolean => value === undefined || value === null;

/** As properties have it. */
const keyOfName = (name: PropertyKey | undefined): PropertyKey | undefined =>
  typeof name === 'number' ? String(name) : name;

/** Whether a value holds nothing, or nothing but a signal by this name, and what these other names lead to. */
const holdsNothingElse = (
  value: unknown,
  name: PropertyKey,
  [first, ...others]: readonly PropertyKey[] = [],
): boolean =>
  isPlain(value) &&
  Reflect.ownKeys(value).every((key) => {
    const each = value[key];
    if (key === keyOfName(first)) return others.length === 0 || holdsNothingElse(each, name, others);
    return key === keyOfName(name) && (isNoSignal(each) || isSignal(each));
  });

/** The arguments without the signal that stands where the site says. */
function withoutSignalAt(args: readonly unknown[], { argument, name }: SignalPlace): readonly unknown[] {
  const given = args[argument];
  const isSilent = name === undefined ? isSignal(given) : holdsNothingElse(given, name);
  return isSilent ? args.with(argument, undefined) : args;
}

/** The arguments without that in the place of which a policy puts other values. */
function withoutReplaced(args: readonly unknown[], [argument, ...names]: ArgumentPlace): readonly unknown[] {
  const isSilent = names.length === 0 ? argument < args.length : holdsNothingElse(args[argument], 'signal', names);
  return isSilent ? args.with(argument, undefined) : args;
}

/** How many of the arguments tell what is asked for: a signal at the end does not, nor what holds nothing else, nor undefined. */
function countTelling(args: readonly unknown[]): number {
  const last = indexOfLast(args);
  const value = args[last];
  if (typeof value !== 'object' || value === null) return last + 1;
  return isSignal(value) || holdsNothingElse(value, 'signal') ? indexOfLast(args.slice(0, last)) + 1 : last + 1;
}

/** Numbers that stand for the symbols which no text stands for. */
const symbols = new WeakMap<symbol, number>();
let lastSymbol = 0;

function ofSymbol(symbol: symbol): string {
  const registered = Symbol.keyFor(symbol);
  if (registered !== undefined) return `S${registered.length}:${registered}`;
  let number = symbols.get(symbol);
  if (number === undefined) {
    number = ++lastSymbol;
    symbols.set(symbol, number);
  }
  return `y${number};`;
}

/**
 * What stands for a primitive in a key, and tells where it ends; undefined for an object.
 */
function partOf(value: unknown): string | undefined {
  switch (typeof value) {
    case 'string':
      return `s${value.length}:${value}`;
    case 'number':
      return `n${Object.is(value, -0) ? '-0' : value};`;
    case 'boolean':
      return value ? 't' : 'f';
    case 'undefined':
      return 'u';
    case 'bigint':
      return `b${value};`;
    case 'symbol':
      return ofSymbol(value);
    default:
      return value === null ? '0' : undefined;
  }
}

/** How many keys are remembered, and of strings up to which length. */
const memory = { most: 1000, longest: 64 };

/**
 * Tells the keys of calls that no `key` tells: made of their primitive arguments, with their types, so that no two lists of
 * arguments have the same one. Throws a ConfigurationError where there is an object among them.
 */
export function implicitKeys(site: SiteInfo, kind: PolicyKind): (call: Call) => string {
  const { signalAt } = site;
  const replaced = replacedPlace(site);
  /** Those of one argument: a key that is made anew takes the engine several times as long to look up. */
  const known = new Map<unknown, string>();

  const make = (call: Call, args: readonly unknown[], count: number): string => {
    let key = '';
    for (let index = 0; index < count; index++) {
      const value = args[index];
      // The last string needs no end.
      const part = typeof value === 'string' && index === count - 1 ? `"${value}` : partOf(value);
      if (part === undefined) throw finalError(unkeyable(index, value, site, kind), call);
      key += part;
    }
    return key;
  };

  const remember = (value: unknown, key: string): string => {
    if (key.length > memory.longest) return key;
    if (known.size >= memory.most) known.clear();
    known.set(value, key);
    return key;
  };

  return (call) => {
    let { args } = call;
    if (signalAt !== undefined) args = withoutSignalAt(args, signalAt);
    if (replaced !== undefined) args = withoutReplaced(args, replaced);
    const count = countTelling(args);
    const [first] = args;
    // A map does not tell 0 from -0, and holds symbols for ever.
    if (count !== 1 || first === 0 || typeof first === 'symbol') return make(call, args, count);
    return known.get(first) ?? remember(first, make(call, args, 1));
  };
}

const unkeyable = (index: number, value: unknown, site: SiteInfo, kind: PolicyKind): Error => {
  const problem = `expected \`key\`, as argument ${index} is no primitive, of which a key could be made: ${show(value)}`;
  return misuse(kind, problem, site);
};
