/** What a call asks for, beyond one token in turn. */
export class Ask {
  /** When it came, if that is known; one of whom it is not was there before all others. */
  arrival = Number.NEGATIVE_INFINITY;

  constructor(
    /** How many tokens. */
    readonly weight: number,
    /** How much earlier it counts as having come, in milliseconds. */
    readonly advance: number,
  ) {}
}

/** What most calls ask for. */
export const oneInTurn = Object.freeze(new Ask(1, 0));
