import { WorkerError } from '../core/errors.js';
import type { AnyClass } from '../core/types.js';
import type { JobMessage } from './protocol.js';

const wellKnown = Object.getOwnPropertyNames(Symbol)
  .map((name): unknown => Reflect.get(Symbol, name))
  .filter((value) => typeof value === 'symbol');

/** What the language itself looks for on any object. */
const askedByTheLanguage: ReadonlySet<PropertyKey> = new Set(['then', 'toJSON', ...wellKnown]);

/** What Node looks for on any object. */
const askedByNode = (key: PropertyKey): boolean =>
  typeof key === 'symbol' && (Symbol.keyFor(key)?.startsWith('nodejs.') ?? false);

/** What a guard says of the fields that are not there. */
interface Lacks {
  /** Those listed in `state`. */
  readonly allowed: ReadonlySet<PropertyKey>;
  /** The members of the caller's class which that of the worker lacks. */
  readonly beyond: ReadonlySet<string>;
  readonly label: string;
}

/**
 * The `this` of a method in a worker: the prototype of its class, and the fields that travelled. Reading any other field
 * throws, for it would be silently missing, or another one than the caller has.
 */
export function guard(type: AnyClass, { state = {}, shadows }: Partial<JobMessage>, lacks: Lacks): object {
  const self = Object.create(type.prototype as object) as object;
  for (const [key, value] of Object.entries(state)) Object.defineProperty(self, key, fieldOf(value));
  return new Proxy(self, {
    get(target, key, receiver): unknown {
      const isShadowed = shadows?.includes(key as string) && !Object.hasOwn(target, key);
      const mayLack = (): boolean => lacks.allowed.has(key) || askedByTheLanguage.has(key) || askedByNode(key);
      if (!isShadowed && (key in target || (!lacks.beyond.has(String(key)) && mayLack()))) {
        return Reflect.get(target, key, receiver);
      }
      throw new WorkerError(`${lacks.label}: ${problemOf(key, lacks)}`);
    },
  });
}

function problemOf(key: PropertyKey, { beyond }: Lacks): string {
  if (beyond.has(String(key))) {
    const cure = 'declare the method there with its own @cpuBound(import.meta.url)';
    const access = typeof key === 'symbol' ? `this[${String(key)}]` : `this.${String(key)}`;
    return `\`${access}\` is a member of a subclass that the worker does not have; ${cure}`;
  }
  if (typeof key === 'symbol') {
    return `\`this[${String(key)}]\` does not travel to a worker; only fields listed in the option \`state\` of @cpuBound do, by their names`;
  }
  return `\`this.${String(key)}\` does not travel to a worker; list '${String(key)}' in the option \`state\` of @cpuBound`;
}

const fieldOf = (value: unknown): PropertyDescriptor => ({
  value,
  writable: true,
  enumerable: true,
  configurable: true,
});

/**
 * Makes a call of a static method while its class has the fields that travelled, and throws where the code asks for
 * members of a subclass that the worker does not have. Puts back what was there before.
 */
export async function lend<Result>(
  type: AnyClass,
  state: Readonly<Record<string, unknown>>,
  lacks: Lacks,
  call: () => Promise<Result>,
): Promise<Result> {
  const lent = Object.entries(state).map(([key, value]) => [key, fieldOf(value)] as const);
  const missing = [...lacks.beyond].filter((key) => !(key in type) && !Object.hasOwn(state, key) && !isSymbol(key));
  for (const key of missing) {
    const get = (): never => {
      throw new WorkerError(`${lacks.label}: ${problemOf(key, lacks)}`);
    };
    const set = function (this: object, value: unknown): void {
      Object.defineProperty(this, key, fieldOf(value));
    };
    lent.push([key, { get, set, configurable: true }]);
  }
  const before = lent.map(([key]) => [key, Object.getOwnPropertyDescriptor(type, key)] as const);
  try {
    for (const [key, property] of lent) {
      if (Reflect.defineProperty(type, key, property) || missing.includes(key)) continue;
      const problem = `\`this.${key}\` is listed in \`state\`, and cannot be set in a worker`;
      throw new WorkerError(`${lacks.label}: ${problem}: it is read-only, or its class is sealed or frozen`);
    }
    return await call();
  } finally {
    for (const [key, property] of before) {
      if (property === undefined) Reflect.deleteProperty(type, key);
      else Reflect.defineProperty(type, key, property);
    }
  }
}

/** Symbols stand among the members of a subclass by their descriptions. */
const isSymbol = (key: string): boolean => key.startsWith('Symbol(');

/** What engines and compilers say when an object has not the #private member that is asked of it. */
const privateTrouble =
  /^(Cannot (read|write|access)( from| to)? private |(Receiver|Object) must be (an instance of )?class |attempted to \w+ private |Private element is not )/;

/** Adds to an error about a #private member why `this` has none in a worker. */
export function explainPrivate(thrown: unknown): void {
  if (!(thrown instanceof TypeError) || !privateTrouble.test(thrown.message) || Object.isFrozen(thrown)) return;
  const { message, stack } = thrown;
  const why = 'they cannot travel, only the fields listed in the option `state` of @cpuBound do';
  thrown.message = `${message} (in a worker \`this\` has no #private members: ${why})`;
  if (stack !== undefined) thrown.stack = stack.replace(message, () => thrown.message);
}
