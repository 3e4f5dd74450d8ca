/**
 * What the server tells the page and `opero top`: one `all` event when somebody connects, and a `changes` event each second.
 * Only types: the page is compiled for the browser.
 */

/** How often something came, by its reason: a list, as a reason may have any name, `__proto__` too. */
export type Counted = readonly (readonly [reason: string, count: number])[];

/** What somebody may do by hand to a method: undefined where it has no such policy; else whether that holds now. */
export interface HandsOn {
  readonly isolated?: boolean | undefined;
  readonly paused?: boolean | undefined;
}

/** Which method it is. */
interface OfMethod {
  readonly className: string;
  readonly method: string;
  readonly static: boolean;
}

/** How often something ended in the last ten seconds, and how long it took. */
interface Paced {
  /** In a second, in the mean. */
  readonly rate: number;
  /** In milliseconds; undefined where nothing ended. */
  readonly p50?: number | undefined;
  readonly p99?: number | undefined;
}

/** A method, as it is now, with the pace of its calls. */
export interface MethodState extends OfMethod, Paced {
  /** Tells the methods of one program apart, as long as it runs. */
  readonly id: number;
  readonly policies: readonly string[];
  /** Calls that ended in the last second, and those of them that rejected. */
  readonly calls: number;
  readonly failed: number;
  readonly running: number;
  readonly queued: number;
  /** The concurrency limit in force, 0 for none, and how many of its slots are taken. */
  readonly limit: number;
  readonly used?: number | undefined;
  readonly circuit?: 'closed' | 'open' | 'half-open' | 'isolated' | undefined;
  /** These count from the beginning of the program on. */
  readonly retries: number;
  readonly rejected: number;
  readonly fallbacks: number;
  readonly failures: number;
  /** The same by reason, from the start of the view on: an error's class, and `queue-full` or `open`. */
  readonly retriesBy: Counted;
  readonly rejectedBy: Counted;
  /** The class of the last error of an attempt or a call, and when that was, in milliseconds since 1970. */
  readonly lastError?: { readonly name: string; readonly at: number } | undefined;
  /** When a call rejected last, save by its caller's signal. */
  readonly failedAt?: number | undefined;
  readonly hands: HandsOn;
}

/** The same with the calls of each second of the last minute, the oldest first. */
export interface MethodWithMinute extends MethodState {
  readonly minute: readonly number[];
}

/** A store that processes share, as this program gets on with it, with the pace of its answers; those of one name are one. */
export interface StoreState extends Paced {
  readonly name: string;
  /** The names of the limits that were asked for since the view began, without keys; not all, where there are many. */
  readonly limits: readonly string[];
  /** When it ceased to answer, in milliseconds since 1970; undefined while it answers. */
  readonly downAt?: number | undefined;
  /** The class of the error that it was down with last, if that was since the view began. */
  readonly reason?: string | undefined;
  /** These count from the beginning of the program on. */
  readonly outages: number;
  readonly lostLeases: number;
}

/**
 * The jobs of a method in a queue, as this program sends or runs them, with the pace of those that calls wait for, from the
 * sending on. Counts are from the beginning of the program on.
 */
export interface JobState extends OfMethod, Paced {
  readonly queue: string;
  readonly sent: number;
  /** Calls that wait for theirs. */
  readonly waiting: number;
  readonly failed: number;
  readonly lost: number;
  /** Run by workers of this program: now, to their end, and those of them that failed. */
  readonly running: number;
  readonly ran: number;
  readonly ranFailed: number;
}

/** What there is to tell of what processes share. */
export interface Shared {
  readonly stores: readonly StoreState[];
  /** The first of them, where there are very many. */
  readonly jobs: readonly JobState[];
  /** How many further ones there are. */
  readonly moreJobs: number;
}

/** The program that is looked at. */
export interface Program {
  readonly name: string;
  readonly pid: number;
  readonly node: string;
  /** When it began, in milliseconds since 1970. */
  readonly startedAt: number;
}

/** All that there is to know now. */
export interface Everything {
  readonly program: Program;
  /** Whether circuits may be isolated, and limits paused. */
  readonly controls: boolean;
  /** When it was so, by the program's clock, in milliseconds since 1970. */
  readonly at: number;
  readonly methods: readonly MethodWithMinute[];
  readonly shared: Shared;
}

/** What is different from what was told before. */
export interface Changes {
  readonly at: number;
  /** How many seconds are over since the last ones: more than one where the program was too busy to tell. */
  readonly seconds: number;
  readonly methods: readonly MethodState[];
  /** Methods that there are no more, by `id`. */
  readonly gone: readonly number[];
  /** Stores and jobs, all of them; left out where nothing of it has changed. */
  readonly shared?: Shared;
}

/** The last ten minutes of a method, second by second, the oldest first. */
export interface TenMinutes {
  readonly id: number;
  /** Null before there was the view. */
  readonly calls: readonly (number | null)[];
  readonly failed: readonly (number | null)[];
  /** Of the ten seconds before each; null where no call ended in them. */
  readonly p50: readonly (number | null)[];
  readonly p99: readonly (number | null)[];
}

/** What the page may ask for with `{ controls: true }`. */
export interface ControlRequest {
  readonly id: number;
  readonly action: 'isolate' | 'restore' | 'pause' | 'resume';
}
