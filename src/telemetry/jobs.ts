/** A method of a queue, whose jobs this process sends or runs. */
export interface JobKind {
  /** The name of the queue. */
  readonly queue: string;
  readonly className: string;
  readonly method: string;
  readonly static: boolean;
}

/** How its jobs stand in this process; counts are from the beginning of it. */
interface Counts {
  /** Put into the queue from here, by calls and by `enqueue`. */
  sent: number;
  /** Calls that wait for the outcome of theirs. */
  waiting: number;
  /** Calls whose job came to no value: what was lost, or given up by its caller, is not among them. */
  failed: number;
  /** Calls whose job the queue knew nothing of any more. */
  lost: number;
  /** Run here, just now. */
  running: number;
  /** Run here to their end, and those of them that failed. */
  ran: number;
  ranFailed: number;
}

/** What this process counts of the jobs of one method. */
export interface JobStats extends JobKind, Counts {}

const none: Counts = { sent: 0, waiting: 0, failed: 0, lost: 0, running: 0, ran: 0, ranFailed: 0 };

/** By queue, then by what tells methods apart. Names alone are kept, so that no class is. */
const all = new Map<string, Map<string, JobStats>>();

const keyOf = ({ className, method, static: isStatic }: JobKind): string =>
  JSON.stringify([className, method, isStatic]);

/** The counts of a method in a queue; those of two classes of one name are the same. */
export function jobStatsOf(kind: JobKind): JobStats {
  const methods = all.get(kind.queue) ?? new Map<string, JobStats>();
  all.set(kind.queue, methods);
  const key = keyOf(kind);
  const { queue, className, method, static: isStatic } = kind;
  const stats = methods.get(key) ?? { queue, className, method, static: isStatic, ...none };
  methods.set(key, stats);
  return stats;
}

/** All of them, queue by queue. */
export const allJobStats = (): Readonly<JobStats>[] => [...all.values()].flatMap((methods) => [...methods.values()]);
