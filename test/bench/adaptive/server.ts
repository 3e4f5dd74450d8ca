/** How a server bears several calls at once. */
export interface Nature {
  /** What a call takes that is alone, in milliseconds, in the mean. */
  readonly demand: number;
  /** By how much of that each further call slows down all of them, as it waits for what they share. */
  readonly contention: number;
  /** By how much each pair of calls does, as they come to terms with each other. */
  readonly coherency: number;
}

/** By how much each of so many calls is slower than one alone: the Universal Scalability Law. */
const slownessOf = ({ contention, coherency }: Nature, count: number): number =>
  1 + contention * (count - 1) + coherency * count * (count - 1);

/** How many calls a second it ends with so many at once. */
export const throughputOf = (nature: Nature, count: number): number =>
  (1000 * count) / (nature.demand * slownessOf(nature, count));

/** With how many at once it ends the most. */
export function kneeOf(nature: Nature): number {
  let count = 1;
  while (throughputOf(nature, count + 1) > throughputOf(nature, count)) count++;
  return count;
}

/** A call that the server works on. */
interface Job {
  /** The progress at which it has ended. */
  readonly until: number;
  readonly end: () => void;
}

/**
 * A server that works on all its calls at once, each as quickly as the others: up to the knee it ends the more the more
 * there are, beyond it fewer. `progress` is what a call has got that was there from the beginning.
 */
export class Server {
  readonly #jobs: Job[] = [];
  #progress = 0;
  #time = 0;

  constructor(public nature: Nature) {}

  /** When the next call ends if none comes; Infinity: there is none. */
  get nextEnd(): number {
    const [first] = this.#jobs;
    if (first === undefined) return Number.POSITIVE_INFINITY;
    return this.#time + Math.max(0, first.until - this.#progress) * slownessOf(this.nature, this.#jobs.length);
  }

  /** Time has come to this. */
  moveTo(time: number): void {
    if (this.#jobs.length > 0) this.#progress += (time - this.#time) / slownessOf(this.nature, this.#jobs.length);
    this.#time = time;
  }

  begin(demand: number, end: () => void): void {
    const job = { until: this.#progress + demand, end };
    let at = this.#jobs.length;
    while (at > 0 && (this.#jobs[at - 1] as Job).until > job.until) at--;
    this.#jobs.splice(at, 0, job);
  }

  /** The call ends that is to end first. */
  endFirst(): void {
    this.#jobs.shift()?.end();
  }
}
