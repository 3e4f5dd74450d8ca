import { ItemError } from '../core/errors.js';
import { isError } from '../core/realm.js';
import type { AnyFunction } from '../core/types.js';

/**
 * Who asked for a run over many items. An item fails long after that, beneath whatever began its work, so that the engine
 * cannot tell of them: the lines of their code are kept here, to be added to the stacks of errors.
 */
export class Caller {
  readonly #trace: { stack?: unknown } = {};
  /** Read when something fails: until then they are no text yet. */
  #lines: string | undefined;

  /** @param asked The function that they called: the lines begin below it. */
  constructor(asked: AnyFunction) {
    Error.captureStackTrace(this.#trace, asked);
  }

  /** Adds them to the stack of what was thrown, if that has one, and does not tell of them already. */
  addTo(thrown: unknown): void {
    this.#restack(thrown, (stack, lines) => (stack.includes(firstOf(lines)) ? stack : `${stack}\n${lines}`));
  }

  /** The error of an item: its own stack tells of the caller alone, as it was made where nobody wants to look. */
  itemError<Item>(item: Item, index: number, cause: unknown): ItemError<Item> {
    this.addTo(cause);
    const error = new ItemError(item, index, cause);
    this.#restack(error, (_stack, lines) => `${error.name}: ${error.message}\n${lines}`);
    return error;
  }

  #restack(thrown: unknown, change: (stack: string, lines: string) => string): void {
    try {
      if (!isError(thrown)) return;
      const lines = this.#read();
      if (lines !== '' && typeof thrown.stack === 'string') thrown.stack = change(thrown.stack, lines);
    } catch {
      // One that is frozen, or cannot even be looked at, stays as it is.
    }
  }

  #read(): string {
    if (this.#lines === undefined) {
      const { stack } = this.#trace;
      // A program may format stacks in its own way, as no text at all, or have them without lines.
      const text = typeof stack === 'string' ? stack : '';
      const start = text.indexOf('\n') + 1;
      this.#lines = start > 0 ? text.slice(start) : '';
    }
    return this.#lines;
  }
}

const firstOf = (lines: string): string => lines.split('\n', 1)[0] as string;
