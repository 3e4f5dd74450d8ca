/** What keeps a value from travelling, and where it stands. */
export class Obstacle extends Error {
  constructor(
    readonly path: string,
    readonly problem: string,
  ) {
    super(`${path} cannot go into a job: it is ${problem}`);
  }
}

/** What came from a queue or a reply has not the form that it should have. */
export class Malformed extends Error {}
