import type { Counted } from './protocol.js';

/** At most so many reasons are told apart, and so many characters of a name are kept: they come from anywhere. */
const most = 20;
const longest = 100;
const other = '(other)';

const cut = (name: string): string => (name.length > longest ? `${name.slice(0, longest - 1)}…` : name);

/** The class of an error, for people; whatever it is that was thrown, and whatever it does about it. */
export function nameOfError(error: unknown): string {
  try {
    if (typeof error !== 'object' || error === null) return error === null ? 'null' : typeof error;
    const { name } = error.constructor;
    return typeof name === 'string' && name !== '' ? cut(name) : '(anonymous class)';
  } catch {
    return '(unknown)';
  }
}

/** How often something came, by its reason. */
export class Reasons {
  readonly #counts = new Map<string, number>();

  add(reason: string): void {
    const known = this.#counts.get(reason);
    if (known === undefined && this.#counts.size >= most) this.#count(other);
    else this.#counts.set(reason, (known ?? 0) + 1);
  }

  #count(reason: string): void {
    this.#counts.set(reason, (this.#counts.get(reason) ?? 0) + 1);
  }

  /** The most frequent first. */
  get all(): Counted {
    return [...this.#counts].sort(([, one], [, another]) => another - one);
  }
}
