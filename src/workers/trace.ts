/** How many bytes of last words there is room for, beside two numbers. */
const roomForWords = 2040;

/** Where the numbers stand. */
const at = { entered: 0, lengthOfWords: 1 } as const;

/**
 * Memory that a thread shares with the side that sent it a task. It is there to be read when the thread is dead: how far
 * it came, and its last words.
 */
export class Trace {
  readonly memory: SharedArrayBuffer;
  readonly #numbers: Int32Array;

  constructor(memory = new SharedArrayBuffer(8 + roomForWords)) {
    this.memory = memory;
    this.#numbers = new Int32Array(memory, 0, 2);
  }

  /** How many jobs of the task were entered. */
  get entered(): number {
    return Atomics.load(this.#numbers, at.entered);
  }

  /** The next job is about to be entered. */
  enter(): void {
    Atomics.add(this.#numbers, at.entered, 1);
  }

  /** What the thread wrote as it ended; what is longer than there is room for is cut. */
  get words(): string {
    return this.#bytes.toString('utf8', 0, Atomics.load(this.#numbers, at.lengthOfWords));
  }

  set words(words: string) {
    Atomics.store(this.#numbers, at.lengthOfWords, this.#bytes.write(words));
  }

  /** To be used for another task. */
  clear(): void {
    this.#numbers.fill(0);
  }

  get #bytes(): Buffer {
    return Buffer.from(this.memory, 8, roomForWords);
  }
}
