import type { PolicyChanges } from './changes.js';
import { checkFit, everyMethod, putInForce, readConfiguration } from './configure.js';
import type { Configuration } from './core/decoration/configurations.js';
import { enterConfiguration } from './core/decoration/configuring.js';
import { knownAs } from './core/decoration/known.js';
import { ConfigurationError } from './core/errors.js';
import { entriesOf, show, type Where } from './core/options.js';
import { once, type Undo } from './core/undo.js';

/** One key of what was read, and what stands there. */
interface Entry {
  readonly key: string;
  /** The name of the class; undefined for every class. */
  readonly className: string | undefined;
  readonly configuration: Configuration;
  readonly where: Where;
}

/** What is in force by `configureFrom`. */
const inForce = new Set<Entry>();

/**
 * Changes the policies of methods by their names, as a configuration file has them. Each key does what `configure` does;
 * of one object `'Weather.forecast'` counts before `'Weather.*'`, and that before `'*'`, which is for every class. Classes
 * that come later are met when they are first constructed or, for static methods, defined.
 *
 * @param config The options by `'Class.method'`, `'Class.*'` and `'*'`; methods are named as in `configure`.
 * @returns What takes all of it back: a function, and a Disposable.
 * @throws ConfigurationError when a key or an option is wrong, or a class that is known lacks the method or the policy;
 * nothing has changed then.
 * @example
 * const restore = configureFrom(JSON.parse(process.env.POLICIES ?? '{}'));
 * if (unusedConfiguration().length > 0) console.warn('not used:', unusedConfiguration());
 */
export function configureFrom(config: Readonly<Record<string, PolicyChanges>>): Undo;
export function configureFrom(config: unknown): Undo {
  if (typeof config !== 'object' || config === null || Array.isArray(config)) {
    throw new ConfigurationError(`configureFrom(): expected an object, got ${show(config)}`);
  }
  const entries = entriesOf(config).map(([key, options]) => readEntry(key, options));
  const takeBack = putInForce(
    entries.map(
      ({ configuration, className }) =>
        () =>
          enterConfiguration(configuration, className),
    ),
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

function readEntry(key: string | symbol, options: unknown): Entry {
  const [, className, method = everyMethod] = /^(?:\*|([^.*]+)\.(.+))$/s.exec(String(key)) ?? [];
  if (typeof key === 'symbol' || (className === undefined && key !== everyMethod)) {
    const allowed = "'Class.method', 'Class.*' or '*'";
    throw new ConfigurationError(`configureFrom(): expected each key to be ${allowed}, got ${show(key)}`);
  }
  const where: Where = { text: `configureFrom() at '${key}'` };
  return { key, className, configuration: readConfiguration(method, options, where), where };
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
