import type { LeaseAnswer, LeaseMessage, Run } from './backend.js';

/** What is known of a process. */
interface Holder {
  held: number;
  /** What was granted to it, and it does not know of. */
  granted: number;
  wanted: [number, number][];
  /** When its lease ends. */
  until: number;
  sequence: number;
}

/** The state of a concurrency limit, as a store keeps it. */
export class LeaseState {
  readonly #holders = new Map<string, Holder>();
  /** The processes that want slots, in the order in which they are given some. */
  #line: string[] = [];
  #epoch = '';
  #opensAt = 0;
  #fence = 0;

  /** `told` has a process told that there is something for it. */
  take(time: number, message: LeaseMessage, told: (process: string) => void): LeaseAnswer | undefined {
    const { process } = message;
    this.#lookAtEpoch(time, message);
    for (const [each, { until }] of this.#holders) if (each !== process && until < time) this.#drop(each);
    const known = this.#holders.get(process);
    if (known !== undefined && message.sequence < known.sequence) return undefined;
    if (message.leaves) this.#drop(process);
    const isNew = known === undefined || known.until < time;
    const granted = message.leaves ? 0 : (known?.granted ?? 0);
    const me: Holder = {
      held: message.held + granted,
      granted: 0,
      wanted: without(message.wanted, granted),
      until: time + message.lease,
      sequence: message.sequence,
    };
    if (!message.leaves) this.#holders.set(process, me);
    const wasInLine = this.#line.includes(process);
    if (me.wanted.length === 0) this.#line = this.#line.filter((each) => each !== process);
    else if (!wasInLine) this.#line.push(process);
    const before = me.held;
    if (time >= this.#opensAt) this.#grantAll(message.limit, process, told);
    const got = granted + me.held - before;
    if (me.wanted.length > 0 && !wasInLine) this.#tellHolders(process, told);
    const others = this.#line.filter((each) => each !== process).length;
    return {
      got,
      epoch: this.#epoch,
      closedFor: Math.max(0, this.#opensAt - time),
      nextEnd: this.#nextEnd(time, process),
      others,
      processes: this.#holders.size,
      fence: got > 0 || isNew ? this.#newFence(time) : 0,
    };
  }

  /** After data were lost, who holds slots is to say so first. */
  #lookAtEpoch(time: number, { epoch, held, lease }: LeaseMessage): void {
    const isForeign = epoch !== '' ? epoch !== this.#epoch : held > 0;
    if (isForeign) this.#opensAt = Math.max(this.#opensAt, time + lease / 3);
    if (this.#epoch === '') this.#epoch = String(Math.floor(time * 1000));
  }

  #newFence(time: number): number {
    this.#fence = Math.max(this.#fence + 1, Math.floor(time * 1000));
    return this.#fence;
  }

  #drop(process: string): void {
    this.#holders.delete(process);
    this.#line = this.#line.filter((each) => each !== process);
  }

  /** Round robin: one for each that wants some, save those who have not fetched what they got. */
  #grantAll(limit: number, process: string, told: (process: string) => void): void {
    let used = 0;
    for (const { held } of this.#holders.values()) used += held;
    const skipped: string[] = [];
    for (let name = this.#line.shift(); name !== undefined; name = this.#line.shift()) {
      const holder = this.#holders.get(name) as Holder;
      const weight = holder.wanted[0]?.[0] ?? 0;
      if (name !== process && holder.granted > 0) {
        skipped.push(name);
        continue;
      }
      if (used > 0 && used + weight > limit) {
        skipped.push(name);
        break;
      }
      used += weight;
      holder.held += weight;
      holder.wanted = without(holder.wanted, weight);
      if (holder.wanted.length > 0) this.#line.push(name);
      if (name === process) continue;
      holder.granted = weight;
      told(name);
    }
    this.#line = [...skipped, ...this.#line];
  }

  /** Those who hold some may not use them all. */
  #tellHolders(process: string, told: (process: string) => void): void {
    for (const [each, { held }] of this.#holders) if (each !== process && held > 0) told(each);
  }

  #nextEnd(time: number, process: string): number {
    const ends = [...this.#holders].flatMap(([each, { until }]) => (each === process ? [] : until - time));
    return ends.length === 0 ? 0 : Math.max(1, Math.min(...ends) + 1);
  }
}

/** What is still wanted where those who stand first got so much. */
function without(wanted: readonly Run[], got: number): [number, number][] {
  const left = wanted.map(([weight, count]): [number, number] => [weight, count]);
  let rest = got;
  for (let first = left[0]; first !== undefined && first[0] <= rest; first = left[0]) {
    const count = Math.min(first[1], first[0] === 0 ? first[1] : Math.floor(rest / first[0]));
    rest -= count * first[0];
    first[1] -= count;
    if (first[1] === 0) left.shift();
    else break;
  }
  return left;
}
