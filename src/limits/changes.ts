import { once, type Undo } from '../core/undo.js';

type Change<Options> = (options: Options) => Options;

/** Options, as the changes of them that hold have made them, the latest last. */
export class Changes<Options> {
  #held: readonly Change<Options>[] = [];
  #current: Options;

  constructor(
    readonly declared: Options,
    /** Told once there are other options. */
    readonly changed: (options: Options, before: Options) => void,
  ) {
    this.#current = declared;
  }

  get current(): Options {
    return this.#current;
  }

  /** Changes them until that is undone. Throws what the change throws; then nothing is changed. */
  add(change: Change<Options>): Undo {
    const options = change(this.#current);
    this.#held = [...this.#held, change];
    this.#set(options);
    return once(() => {
      this.#held = this.#held.filter((each) => each !== change);
      this.#set(this.#held.reduce(asFarAsItFits, this.declared));
    });
  }

  #set(options: Options): void {
    const before = this.#current;
    this.#current = options;
    this.changed(options, before);
  }
}

/** A change rests while what it went with is undone. */
function asFarAsItFits<Options>(options: Options, change: Change<Options>): Options {
  try {
    return change(options);
  } catch {
    return options;
  }
}
