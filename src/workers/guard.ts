import { WorkerError } from '../core/errors.js';
import type { AnyClass } from '../core/types.js';

/** What the language itself looks for on any object. */
const askedByTheLanguage = new Set(['then', 'toJSON']);

/**
 * The `this` of a method in a worker: the prototype of its class, and the fields that travelled. Reading any other field
 * throws, for it would be silently missing.
 */
export function guard(
  type: AnyClass,
  state: Readonly<Record<string, unknown>>,
  allowed: ReadonlySet<string>,
  label: string,
): object {
  const self = Object.create(type.prototype as object) as object;
  for (const [key, value] of Object.entries(state)) {
    Object.defineProperty(self, key, { value, writable: true, enumerable: true, configurable: true });
  }
  return new Proxy(self, {
    get(target, key, receiver): unknown {
      if (typeof key === 'symbol' || key in target || allowed.has(key) || askedByTheLanguage.has(key)) {
        return Reflect.get(target, key, receiver);
      }
      const problem = `\`this.${key}\` does not travel to a worker`;
      throw new WorkerError(`${label}: ${problem}; list '${key}' in the option \`state\` of @cpuBound`);
    },
  });
}

/** What engines and compilers say when an object has not the #private member that is asked of it. */
const privateTrouble =
  /^(Cannot (read|write|access)( from| to)? private |(Receiver|Object) must be (an instance of )?class |attempted to \w+ private |Private element is not )/;

/** Adds to an error about a #private member why `this` has none in a worker. */
export function explainPrivate(thrown: unknown): void {
  if (!(thrown instanceof TypeError) || !privateTrouble.test(thrown.message) || Object.isFrozen(thrown)) return;
  const { message, stack } = thrown;
  thrown.message = `${message} (in a worker \`this\` has no #private members: no constructor ran for it there)`;
  if (stack !== undefined) thrown.stack = stack.replace(message, () => thrown.message);
}
