/** Objects in the order in which they were added; it keeps none of them alive. */
export class WeakList<Each extends object> {
  readonly #known = new WeakSet<Each>();
  #refs: WeakRef<Each>[] = [];
  /** When it is this long, what is gone is taken out: so that costs no more than the adding did. */
  #full = 64;

  add(each: Each): void {
    if (this.#known.has(each)) return;
    this.#known.add(each);
    if (this.#refs.length >= this.#full) {
      this.#refs = this.#refs.filter((ref) => ref.deref() !== undefined);
      this.#full = Math.max(64, 2 * this.#refs.length);
    }
    this.#refs.push(new WeakRef(each));
  }

  /** Those that are there when it begins. */
  *[Symbol.iterator](): Generator<Each> {
    for (const ref of [...this.#refs]) {
      const each = ref.deref();
      if (each !== undefined) yield each;
    }
  }
}
