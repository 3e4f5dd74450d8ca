/** A result, on its way or there. */
export interface Slot {
  readonly index: number;
  value: unknown;
  done: boolean;
}

/** Who waits for a result. */
export interface Taker<Out> {
  readonly resolve: (result: IteratorResult<Out, undefined>) => void;
  readonly reject: (error: unknown) => void;
}

/** A first-in first-out queue whose `shift` costs the same at any length, all in all: what is left is copied seldom. */
export class Fifo<Element> {
  #elements: (Element | undefined)[] = [];
  #head = 0;

  get first(): Element | undefined {
    return this.#elements[this.#head];
  }

  get length(): number {
    return this.#elements.length - this.#head;
  }

  push(element: Element): void {
    this.#elements.push(element);
  }

  shift(): Element | undefined {
    const element = this.#elements[this.#head];
    this.#elements[this.#head] = undefined;
    if (++this.#head === this.#elements.length || (this.#head >= 1024 && this.#head * 2 >= this.#elements.length)) {
      this.#elements = this.#elements.slice(this.#head);
      this.#head = 0;
    }
    return element;
  }
}
