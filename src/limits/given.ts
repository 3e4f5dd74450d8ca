import { ConfigurationError } from '../core/errors.js';
import { anything, fixed, type Rule, readOptions, show, type Where, wrongOption } from '../core/options.js';
import { commonOf } from './common.js';
import type { Limiter } from './found.js';
import type { SharingConfig } from './limiters.js';
import { insideOf, type Shared } from './shared.js';
import type { StoreConfig } from './store.js';

/** A limiter that tells of itself. */
export type Limited = Limiter & { readonly waiting: number; readonly used: number };

/** How what a decorator of limits takes is read. */
export interface LimitKind<Options> {
  readonly kind: string;
  /** The option that a bare number stands for. */
  readonly number: string;
  /** The class of the objects that methods share. */
  readonly sharedClass: string;
  readonly rules: Readonly<Record<string, Rule>>;
  /** What stands in place of options that are not given, beside those that are. */
  readonly defaults: (given: Partial<Options>) => Partial<Options>;
  /** Checks and fills in what stands inside of options that were checked. */
  readonly complete?: (options: Options, where: Where) => Options;
  /** The options that may stand beside a shared limiter. */
  readonly beside: readonly string[];
}

/** One limit of a policy: of the method's own, or shared with others. */
export interface Limit<L extends Limited, Options extends SharingConfig> {
  /** Its options as they are shown, and kept for `configure`. */
  readonly shown: object;
  /** What stands behind it, where it is shared. */
  readonly shared: Shared<L, Options> | undefined;
  /** The options that hold by now. */
  readonly options: () => Options;
}

/** Reads the options of one limit that is not shared. */
export function readLimit<Options extends object>(given: unknown, where: Where, kind: LimitKind<Options>): Options {
  const { number, rules, defaults, complete } = kind;
  const config = typeof given === 'object' ? given : { [number]: given };
  const options = readOptions<Options>(where, config, rules, defaults({ ...where.over, ...config }));
  if (Reflect.get(options, number) === undefined) {
    throw wrongOption(where, number, undefined, (rules[number] as Rule).allowed);
  }
  return complete === undefined ? options : complete(options, where);
}

/** What a decorator of limits takes: a number, options, a shared limiter, one with options beside it; or several of these. */
export function readLimits<L extends Limited, Options extends SharingConfig & StoreConfig>(
  given: unknown,
  where: Where,
  kind: LimitKind<Options>,
): Limit<L, Options>[] {
  const { over, checked, ...plain } = where;
  if (checked !== undefined) check(given, plain, kind, checked);
  if (over === undefined) return Array.isArray(given) ? readStack(given, plain, kind) : [readOne(given, plain, kind)];
  if (!Array.isArray(over)) return [readOne(given, where, kind)];
  if (!Array.isArray(given) || given.length !== over.length) {
    const allowed = `an array of ${over.length}, as it stands for so many limits`;
    throw new ConfigurationError(
      `${where.text}: expected \`${where.path ?? kind.kind}\` to be ${allowed}, got ${show(given)}`,
    );
  }
  return given.map((each, at) => readOne(each, { ...inStack(plain, at), over: over[at] }, kind));
}

const inStack = (where: Where, at: number): Where => ({ ...where, path: `${where.path ?? ''}[${at}]` });

/** Checks options that are to change others, whatever these are. */
function check<Options>(given: unknown, where: Where, kind: LimitKind<Options>, checked: () => never): never {
  for (const [at, each] of (Array.isArray(given) ? given : [given]).entries()) {
    const here = { ...(Array.isArray(given) ? inStack(where, at) : where), over: {} };
    const limiter = insideOf(each) === undefined ? limiterBeside(each) : each;
    const options = typeof each === 'number' ? { [kind.number]: each } : each;
    if (limiter !== undefined) {
      readOptions(here, { limiter }, { limiter: fixed(anything) }, {});
    } else {
      const read = readOptions<object>(here, options, kind.rules, {});
      kind.complete?.(read as Options, here);
    }
  }
  return checked();
}

function readStack<L extends Limited, Options extends SharingConfig & StoreConfig>(
  given: readonly unknown[],
  where: Where,
  kind: LimitKind<Options>,
): Limit<L, Options>[] {
  if (given.length === 0)
    throw new ConfigurationError(`${where.text}: expected at least one limit, got an empty array`);
  const limits = given.map((each, at) => readOne<L, Options>(each, inStack(where, at), kind));
  const common = limits.map(commonOf).filter((each) => each !== undefined);
  if (new Set(common).size === common.length) return limits;
  const what = limits.every(({ shared }) => shared === undefined) ? '`name`' : 'limiter';
  throw new ConfigurationError(`${where.text}: a ${what} stands there twice; each call would take from it twice`);
}

function readOne<L extends Limited, Options extends SharingConfig & StoreConfig>(
  given: unknown,
  where: Where,
  kind: LimitKind<Options>,
): Limit<L, Options> {
  const over = where.over as { readonly limiter?: unknown } | undefined;
  const isBare = insideOf(given) !== undefined;
  const limiter = over?.limiter ?? (isBare ? given : limiterBeside(given));
  if (limiter === undefined) {
    const options = readLimit(given, where, kind);
    return { shown: options, shared: undefined, options: () => options };
  }
  const inside = insideOf(limiter);
  if (inside?.kind !== kind.kind) {
    const subject = where.path === undefined ? 'the limiter' : `\`${where.path}\``;
    const text = `${where.text}: expected ${subject} to be a ${kind.sharedClass}, got ${show(limiter)}`;
    throw new ConfigurationError(text);
  }
  const shared = inside.inside as Shared<L, Options>;
  const shown = readBeside(isBare ? { limiter } : given, where, kind);
  return { shown, shared, options: counted(shared, shown) };
}

const limiterBeside = (given: unknown): unknown =>
  typeof given === 'object' && given !== null ? Reflect.get(given, 'limiter') : undefined;

/** The options beside a shared limiter. */
function readBeside<Options>(given: unknown, where: Where, { rules, beside, number }: LimitKind<Options>): object {
  const own = Object.fromEntries(beside.map((name) => [name, rules[name] as Rule]));
  const foreign =
    typeof given === 'number'
      ? number
      : Object.keys(given as object).find((name) => Object.hasOwn(rules, name) && !Object.hasOwn(own, name));
  if (foreign === undefined) return readOptions(where, given, { limiter: fixed(anything), ...own }, {});
  const cure = 'give it to the limiter itself, or change it there by `limiter.configure()`';
  throw new ConfigurationError(`${where.text}: \`${foreign}\` is the shared limiter's own; ${cure}`);
}

/** The options of a shared limiter as they are by now, with those beside it in their place. */
function counted<Options extends SharingConfig>(shared: { readonly options: Options }, beside: object): () => Options {
  const { limiter: _, ...own } = beside as { readonly limiter: unknown };
  let base = shared.options;
  let merged = { ...base, ...own };
  return () => {
    if (shared.options !== base) {
      base = shared.options;
      merged = { ...base, ...own };
    }
    return merged;
  };
}
