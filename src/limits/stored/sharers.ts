import type { Link } from './link.js';

/** How many processes share a limit in a store, as far as this one knows: each does its part alone while the store is down. */
export class Sharers {
  /** 0: nobody has said. */
  #last = 0;
  #hasToldOfNone = false;

  constructor(readonly limit: { readonly link: Link; readonly tag: string }) {}

  /** So many, an answer says. */
  told(count: number): void {
    this.#last = count;
    this.limit.link.processes = count;
  }

  /** How many are to be reckoned with; 0: nobody knows, which those who watch are told once. */
  count(): number {
    const { link, tag } = this.limit;
    const count = link.processesOf(this.#last);
    if (count === 0 && !this.#hasToldOfNone) {
      this.#hasToldOfNone = true;
      link.emit({ type: 'share' }, tag);
    }
    return count;
  }
}
