import { peek } from '../../core/peek.js';

/** Stands for the classes of errors that have no name, or come when a method has told of too many. */
export const otherType = '_OTHER';

/** How many classes of errors a method may tell of: each makes a series of its own in who keeps them. */
const most = 50;

/** The name of the class of what was thrown; whatever that does about it. */
export function errorTypeOf(error: unknown): string {
  if (error === undefined || error === null) return String(error);
  const name = peek(peek(Object(error), 'constructor'), 'name');
  return typeof name === 'string' && name !== '' ? name : otherType;
}

/** The same for the errors of one method: of so many classes and no more. */
export class ErrorTypes {
  readonly #known = new Set<string>();

  of(error: unknown): string {
    const name = errorTypeOf(error);
    if (this.#known.has(name)) return name;
    if (this.#known.size >= most) return otherType;
    this.#known.add(name);
    return name;
  }
}
