import type { PolicyChanges } from './changes.js';
import { checkFit, everyMethod, putInForce, readConfiguration } from './configure.js';
import type { Configuration } from './core/decoration/configurations.js';
import { knownAs } from './core/decoration/known.js';
import { ConfigurationError } from './core/errors.js';
import { entriesOf, hasNames, show, type Where } from './core/options.js';
import type { AnyFunction } from './core/types.js';
import { once, type Undo } from './core/undo.js';

/** One key of what was read, and what stands there. */
interface Entry {
  readonly key: string;
  /** The name of the class; undefined for every class. */
  readonly className: string | undefined;
  readonly configuration: Configuration;
  readonly where: Where;
}

/**
 * Whether some value in a type is known, as in an object that is written where it is given. In what was read it is not: in
 * unknown, and in the type of an imported JSON file. Types that hold themselves have an end at the depth of an option.
 */
type HasLiteral<Type> = true extends LiteralIn<Type> ? true : false;

type LiteralIn<Type, Depth extends readonly unknown[] = []> = unknown extends Type
  ? false
  : Depth['length'] extends 6
    ? false
    : boolean extends Type
      ? LiteralOf<Exclude<Type, boolean>, Depth>
      : LiteralOf<Type, Depth>;

type LiteralOf<Type, Depth extends readonly unknown[]> = Type extends null | undefined
  ? false
  : Type extends readonly (infer Each)[]
    ? LiteralIn<Each, [...Depth, 0]>
    : Type extends AnyFunction
      ? true
      : Type extends object
        ? { [Name in keyof Type]: LiteralIn<Type[Name], [...Depth, 0]> }[keyof Type]
        : [string] extends [Type]
          ? false
          : [number] extends [Type]
            ? false
            : true;

/** What `configureFrom` takes: checked where it is written in the program, and as it comes where it was read. */
export type ConfigurationInput<Config> =
  | Readonly<Record<string, PolicyChanges>>
  | (HasLiteral<Config> extends true ? never : Config);

/** What is in force by `configureFrom`. */
const inForce = new Set<Entry>();

/**
 * Changes the policies of methods by their names, as a configuration file has them. Each key does what `configure` does;
 * of one object `'Weather.forecast'` counts before `'Weather.*'`, and that before `'*'`, which is for every class. Classes
 * that come later are met when they are first constructed or, for static methods, defined.
 *
 * @param config The options by `'Class.method'`, `'Class.*'` and `'*'`; methods are named as in `configure`. What is written
 * in the program is checked by the compiler too; what was read, be it unknown or an imported JSON file, as it comes.
 * @returns What takes all of it back: a function, and a Disposable.
 * @throws ConfigurationError when a key or an option is wrong, or a class that is known lacks the method or the policy;
 * nothing has changed then.
 * @example
 * const restore = configureFrom(JSON.parse(process.env.POLICIES ?? '{}'));
 * if (unusedConfiguration().length > 0) console.warn('not used:', unusedConfiguration());
 */
export function configureFrom<const Config>(config: ConfigurationInput<Config>): Undo;
export function configureFrom(config: unknown): Undo {
  return enterConfig(config, 'configureFrom()');
}

/** Does what `configureFrom` does, for another that `asked`; an override counts before all that are none. */
export function enterConfig(config: unknown, asked: string, isOverride = false): Undo {
  if (typeof config !== 'object' || config === null || Array.isArray(config)) {
    throw new ConfigurationError(`${asked}: expected an object, got ${show(config)}`);
  }
  if (!hasNames(config)) throw new ConfigurationError(`${asked}: expected a plain object, got ${show(config)}`);
  const entries = entriesOf(config).map(([key, options]) => readEntry(key, options, asked, isOverride));
  const takeBack = putInForce(
    entries.map(({ configuration, className }) => [configuration, className] as const),
    () => {
      for (const entry of entries) checkKnown(entry);
    },
  );
  for (const entry of entries) inForce.add(entry);
  return once(() => {
    for (const entry of entries) inForce.delete(entry);
    takeBack();
  });
}

function readEntry(key: string | symbol, options: unknown, asked: string, isOverride: boolean): Entry {
  const [, className, method = everyMethod] = /^(?:\*|([^.*]+)\.(.+))$/s.exec(String(key)) ?? [];
  if (typeof key === 'symbol' || (className === undefined && key !== everyMethod)) {
    const allowed = "'Class.method', 'Class.*' or '*'";
    throw new ConfigurationError(`${asked}: expected each key to be ${allowed}, got ${show(key)}`);
  }
  const where: Where = { text: `${asked} at '${key}'` };
  return { key, className, configuration: readConfiguration(method, options, where, isOverride), where };
}

/** Several classes may have one name: it is enough that it fits one of those that are known. */
function checkKnown({ className, configuration, where }: Entry): void {
  if (className === undefined) return;
  const errors: unknown[] = [];
  const types = [...knownAs(className)];
  for (const type of types) {
    try {
      checkFit(type, configuration, where);
    } catch (error) {
      errors.push(error);
    }
  }
  if (types.length > 0 && errors.length === types.length) throw errors[0];
}

/**
 * What `configureFrom` was given and has fitted no method yet: its class has not come, or has no such method or policy.
 *
 * @returns The keys, as `'Weather.forecast'`; where only some of its policies are missing, those, as
 * `'Weather.forecast: retry'`.
 * @throws Nothing.
 * @example
 * configureFrom({ 'Weather.forcast': { retry: 5 } });
 * unusedConfiguration(); // ['Weather.forcast']
 */
export function unusedConfiguration(): string[] {
  return [...inForce].flatMap(({ key, configuration: { applied, changes } }) => {
    const missing = [...changes.keys()].filter((kind) => !applied.has(kind));
    return missing.length === changes.size && changes.size > 0 ? [key] : missing.map((kind) => `${key}: ${kind}`);
  });
}
