/** What a caller inside opero hands to a decorated call that it makes, beyond its arguments. */
export interface Handoff {
  /** The receiver of the call that it is for. */
  readonly self: unknown;
  /** The name of its method, where foreign code may stand between; undefined for whichever is called next. */
  readonly to?: PropertyKey;
  readonly signal?: AbortSignal | undefined;
  readonly error?: unknown;
  /** What stands in for one another above the call: methods, alternatives, and where the policies were declared. */
  readonly chain?: readonly unknown[];
  /** The run over many items that the call belongs to, if its items may travel together. */
  readonly batch?: BatchPlan | undefined;
  /** Told of the error before the call rejects, and before others get on with what it held. */
  readonly onFailure?: ((error: unknown) => void) | undefined;
}

/** How many items of one run travel to workers together; kept up to date by the side that sends them. */
export interface BatchPlan {
  /** How many workers may be at it at once. */
  readonly lanes: number;
  /** How many items may be under way. */
  readonly most: number;
  /** How many items there should be under way, so that no worker waits for work. */
  wanted: number;
}

let handoff: Handoff | undefined;

/** Runs `fn`, and hands this to the call that it is for, if `fn` makes that at once. */
export function handOver<Result>(given: Handoff, fn: () => Result): Result {
  const outer = handoff;
  handoff = given;
  try {
    return fn();
  } finally {
    handoff = outer;
  }
}

/** What was handed to this call; no later one gets it. */
export function takeHandoff(self: unknown, name: PropertyKey): Handoff | undefined {
  const given = handoff;
  if (given === undefined || given.self !== self || (given.to !== undefined && given.to !== name)) return undefined;
  handoff = undefined;
  return given;
}
