import { peek } from '../../core/peek.js';

/** Stands for the classes of errors that have no name, or come when a method has told of too many. */
const otherType = '_OTHER';

/** How many classes of errors a method may tell of: each makes a series of its own in who keeps them. */
const mostErrors = 50;

/** The name of the class of what was thrown; whatever that does about it. */
export function errorTypeOf(error: unknown): string {
  if (error === undefined || error === null) return String(error);
  const name = peek(peek(Object(error), 'constructor'), 'name');
  return typeof name === 'string' && name !== '' ? name : otherType;
}

/** Names that make series: so many, and for all that come after them one that stands for the others. */
export class FewNames {
  readonly #known = new Set<string>();

  constructor(readonly most: number) {}

  of(name: string): string {
    if (this.#known.has(name)) return name;
    if (this.#known.size >= this.most) return otherType;
    this.#known.add(name);
    return name;
  }
}

/** The names of the classes of what one method threw: so many and no more. */
export class ErrorTypes {
  readonly #names = new FewNames(mostErrors);

  of(error: unknown): string {
    return this.#names.of(errorTypeOf(error));
  }
}
