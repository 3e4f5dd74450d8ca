/** So many of one weight: `[2, 5]` stands for five that weigh two each. */
export type Run = readonly [weight: number, count: number];

/** What a process tells of the permits that it had. The ends of ids are the weights: `<process>:<number>:<weight>`. */
export type Note =
  /** One was used, at this time of the store or before. */
  | { readonly kind: 'confirm'; readonly id: string; readonly latest: number }
  /** One is not going to be used. */
  | { readonly kind: 'release'; readonly id: string }
  /** Something started without a permit so long ago, and counts from `shift` later on. */
  | { readonly kind: 'charge'; readonly id: string; readonly age: number; readonly shift: number }
  /** One that was used turned out to be another one, and counts from `shift` later on; where it counts no more, nothing. */
  | { readonly kind: 'change'; readonly id: string; readonly to: string; readonly shift: number }
  /**
   * Nobody starts for so long, and not beyond `until` by the clock of the store, as far as that is known: what tells of it may
   * come late. `isForAll`, told to the limit without a key: whatever the key.
   */
  | { readonly kind: 'pause'; readonly duration: number; readonly isForAll: boolean; readonly until?: number }
  | { readonly kind: 'resume'; readonly isForAll: boolean };

/** What a process asks for its waiters. All times are milliseconds. */
export interface PermitAsk {
  /** How many starts there may be in a window. */
  readonly starts: number;
  readonly window: number;
  /** How far ahead it takes permits. */
  readonly horizon: number;
  /** For how long a permit may be used. */
  readonly grace: number;
  /** Whether starts are spaced: each counts as one, and for as many windows as it weighs. */
  readonly spread: boolean;
  readonly process: string;
  /** The number of the first permit; each gets the next. */
  readonly first: number;
  /** What its waiters weigh, in their order. */
  readonly wanted: readonly Run[];
  readonly notes: readonly Note[];
}

/** Times are by the clock of the store. */
export interface PermitAnswer {
  readonly now: number;
  /** When it is worth asking again; 0: everybody has got one. */
  readonly again: number;
  /** Whether other processes wait. */
  readonly othersWait: boolean;
  /** How many processes are known. */
  readonly processes: number;
  /** Until when nobody starts; 0: there is no pause. */
  readonly pausedUntil: number;
  /** The same of all keys of its name; only that of the limit without a key tells. */
  readonly allPausedUntil: number;
  /** The window in force: the longest of those that processes ask with. */
  readonly window: number;
  /** From when on each permit may be used, in the order of the waiters. */
  readonly permits: readonly number[];
}

/** What a process says that it holds, and wants. */
export interface LeaseMessage {
  readonly limit: number;
  /** How long what it holds is its own without another message, in milliseconds. */
  readonly lease: number;
  readonly process: string;
  /** Grows from message to message: one that comes after a later one counts for nothing. */
  readonly sequence: number;
  readonly held: number;
  /** What its waiters weigh, in their order. */
  readonly wanted: readonly Run[];
  /** That of the last answer; '': it knows none. */
  readonly epoch: string;
  /** Whether the process ends: it holds and wants nothing any more. */
  readonly leaves: boolean;
}

export interface LeaseAnswer {
  /** How many slots it has got beyond those that it said it holds. */
  readonly got: number;
  readonly epoch: string;
  /** For how long nobody gets any, in milliseconds: others are to say what they hold first. */
  readonly closedFor: number;
  /** In how many milliseconds the next lease of another ends, unless it is renewed; 0: there is none. */
  readonly nextEnd: number;
  /** How many other processes stand in line. */
  readonly others: number;
  readonly processes: number;
  /** Has grown since the last one that it gave to anybody; 0: this process keeps that which it has. */
  readonly fence: number;
}

/** What a process is told between its messages. */
export interface Hints {
  /** There may be something for it in a limit: a slot, or somebody who waits for one. */
  look(tag: string): void;
  /** Nobody starts for so long, in milliseconds; 0: the pause is over. `isForAll`: of all keys of its name. */
  pause(tag: string, duration: number, isForAll: boolean): void;
  /** Nothing more is told. May come more than once. */
  ended(): void;
}

/**
 * Where the state of limits is. A tag says which limit: `r:` or `c:`, and its name; with a key another colon, and that, both
 * encoded so that they hold none.
 */
export interface Backend {
  /** What it is called, for people. */
  readonly name: string;
  /** The same, with what tells it from others of its kind. */
  readonly label: string;
  reserve(tag: string, ask: PermitAsk): Promise<PermitAnswer>;
  lease(tag: string, message: LeaseMessage): Promise<LeaseAnswer>;
  /** Settles when what is asked for this limit can be written again. */
  probe(tag: string): Promise<void>;
  /** Undefined where nobody can tell; may be asked again after it has failed. */
  readonly subscribe: ((process: string, hints: Hints) => Promise<() => unknown>) | undefined;
}
