import { ConfigurationError } from '../errors.js';

const isKey = (value: unknown): value is PropertyKey => ['string', 'symbol', 'number'].includes(typeof value);

/** What the form of 2018, which swc makes of JavaScript, tells of a member or a class. */
interface Descriptor {
  readonly kind: string;
  readonly key?: unknown;
}

const isDescriptor = (value: unknown): value is Descriptor =>
  Object.prototype.toString.call(value) === '[object Descriptor]' && typeof (value as Descriptor).kind === 'string';

/** Whether these are the arguments of a decorator of an old form on a member: its home, name and descriptor, or one object. */
export function isOldCall(given: readonly unknown[]): boolean {
  const [target, key, descriptor] = given;
  if (given.length === 1) return isDescriptor(target);
  if (given.length !== 3 || !isKey(key)) return false;
  const isMember = typeof target === 'object' || typeof target === 'function';
  return isMember && (descriptor === undefined || Object.hasOwn(Object(descriptor), 'configurable'));
}

/** What an old form calls a decorator with: the home of a member and its name, a class alone, or a descriptor alone. */
export function oldForm(name: string, target: unknown, key: unknown): ConfigurationError {
  return new ConfigurationError(
    `@${name} on ${subjectOf(target, key)}: a compiler called it in an old form of decorators, as Next does, ` +
      'swc without "decoratorVersion": "2023-11", TypeScript, esbuild and tsx with "experimentalDecorators", ' +
      'Babel with "legacy", and bun with "emitDecoratorMetadata"; have it compile the form of 2023-11, ' +
      'or do without decorators: new Orchestrator({ ... }).wrap(fn)',
  );
}

function subjectOf(target: unknown, key: unknown): string {
  if (isKey(key)) return `\`${String(key)}\``;
  if (isDescriptor(target)) return isKey(target.key) ? `\`${String(target.key)}\`` : `a ${target.kind}`;
  return `\`${typeof target === 'function' ? target.name || '(anonymous)' : String(target)}\``;
}
