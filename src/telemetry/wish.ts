import { ConfigurationError } from '../core/errors.js';
import { show } from '../core/options.js';
import { once, type Undo } from '../core/undo.js';

/** Something that is on while anybody wants it. */
export class Wish {
  readonly #wants = new Set<object>();

  /** @param apply Told whenever it goes on or off. */
  constructor(readonly apply: (isOn: boolean) => void) {}

  get isOn(): boolean {
    return this.#wants.size > 0;
  }

  /** Wants it, until what this gives is called; or ends all that want it. `asked` names the function for messages. */
  set(isWanted: boolean, asked: string): Undo {
    if (typeof isWanted !== 'boolean') {
      throw new ConfigurationError(`${asked}: expected true or false, got ${show(isWanted)}`);
    }
    const want = {};
    this.#change(() => (isWanted ? this.#wants.add(want) : this.#wants.clear()));
    return once(() => this.#change(() => this.#wants.delete(want)));
  }

  #change(change: () => void): void {
    const wasOn = this.isOn;
    change();
    if (this.isOn !== wasOn) this.apply(this.isOn);
  }
}
