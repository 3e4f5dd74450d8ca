import { residue } from '../../core/call/clock.js';
import type { Note, PermitAnswer, PermitAsk } from './backend.js';

/** How long a process that has asked counts as one of those there are, in milliseconds. */
const knownFor = 60_000;

const weightOf = (id: string): number => Number(id.slice(id.lastIndexOf(':') + 1));

/** Told of a pause, in milliseconds, and whether it is that of all keys; 0: it is over. */
type Paused = (duration: number, isForAll: boolean) => void;

/** The state of a rate limit, as a store keeps it. */
export class PermitState {
  /** The latest start of each permit. */
  readonly log = new Map<string, number>();
  /** Until when each process counts as one that had to wait lately; and as one that waits now. */
  readonly #asked = new Map<string, number>();
  readonly #waiting = new Map<string, number>();
  /** Until when each process has had its part. */
  readonly #hadUntil = new Map<string, number>();
  #last = 0;
  #window = { length: 0, until: 0 };
  #hold = 0;
  #pausedUntil = 0;
  #allPausedUntil = 0;

  reserve(time: number, ask: PermitAsk, paused: Paused): PermitAnswer {
    this.#lookAtClock(time, ask);
    const window = this.#windowFor(time, ask);
    for (const note of ask.notes) this.#takeNote(note, time, paused);
    for (const [id, latest] of this.log) if (latest <= time - window) this.log.delete(id);
    const { permits, again } = this.#grant(time, window, ask);
    return {
      now: time,
      again,
      othersWait: [...this.#waiting].some(([process, until]) => process !== ask.process && until > time),
      processes: this.#asked.size,
      pausedUntil: this.#pausedUntil > time ? this.#pausedUntil : 0,
      allPausedUntil: this.#allPausedUntil > time ? this.#allPausedUntil : 0,
      window,
      permits,
    };
  }

  /** A clock that was set back by up to a window changes nothing; by more, all starts are held for a window. */
  #lookAtClock(time: number, { window }: PermitAsk): void {
    const back = this.#last - time;
    if (back > window) {
      const ahead = Math.max(0, Math.max(0, ...this.log.values()) - this.#last);
      this.log.clear();
      this.#asked.clear();
      this.#waiting.clear();
      this.#hadUntil.clear();
      this.#hold = time + ahead + window;
      this.#pausedUntil = Math.max(0, this.#pausedUntil - back);
      this.#allPausedUntil = Math.max(0, this.#allPausedUntil - back);
      this.#last = time;
    }
    this.#last = Math.max(this.#last, time);
  }

  /** The longest of those that are in use. */
  #windowFor(time: number, { window }: PermitAsk): number {
    if (window >= this.#window.length || this.#window.until <= time)
      this.#window = { length: window, until: time + 2 * window };
    return this.#window.length;
  }

  #takeNote(note: Note, time: number, paused: Paused): void {
    const { log } = this;
    if (note.kind === 'confirm' && log.has(note.id)) log.set(note.id, note.latest);
    else if (note.kind === 'release') log.delete(note.id);
    else if (note.kind === 'charge') log.set(note.id, time - note.age + note.shift);
    else if (note.kind === 'change') {
      const latest = log.get(note.id);
      log.delete(note.id);
      if (latest !== undefined && weightOf(note.to) > 0) log.set(note.to, latest + note.shift);
    } else if (note.kind === 'pause') {
      const { until: end = Number.POSITIVE_INFINITY } = note;
      const duration = Math.max(0, Math.min(note.duration, end - time));
      const until = time + duration;
      if (note.isForAll) this.#allPausedUntil = Math.max(this.#allPausedUntil, until);
      else this.#pausedUntil = Math.max(this.#pausedUntil, until);
      if (duration > 0) paused(duration, note.isForAll);
    } else if (note.kind === 'resume') {
      if (note.isForAll) this.#allPausedUntil = 0;
      else this.#pausedUntil = 0;
      paused(0, note.isForAll);
    }
  }

  #grant(time: number, window: number, ask: PermitAsk): { permits: number[]; again: number } {
    const { process, horizon, grace, starts, spread } = ask;
    for (const [each, until] of this.#asked) if (until < time - knownFor) this.#asked.delete(each);
    const lately = Math.max(2 * horizon, 4 * grace);
    if (ask.wanted.length > 0) this.#asked.set(process, Math.max(time, this.#asked.get(process) ?? 0));
    const share = this.#shareOf(time, window, ask);
    const latest = [...this.log].map(([id, at]): Entry => [at, weightOf(id)]).sort(([one], [other]) => other - one);
    const permits: number[] = [];
    const from = Math.max(this.#hold, this.#pausedUntil, this.#allPausedUntil);
    let again = 0;
    let taken = 0;
    for (const [given, count] of ask.wanted) {
      const weight = spread ? 1 : given;
      for (let nth = 0; nth < count && again === 0; nth++) {
        const turn = Math.max(time, from, turnOf(latest, weight, starts) + window);
        const reach = share.reachFor(turn, weight);
        if (taken > 0 && taken + weight > share.most) again = time + horizon / 2;
        else if (turn > time + reach + residue) again = turn - reach;
        else {
          const id = `${process}:${ask.first + permits.length}:${weight}`;
          const end = turn + grace + (spread ? (given - 1) * window : 0);
          this.log.set(id, end);
          const at = latest.findIndex(([each]) => each <= end);
          latest.splice(at === -1 ? latest.length : at, 0, [end, weight]);
          permits.push(turn);
          taken += weight;
          share.take(turn, weight);
        }
      }
    }
    if (permits.length > 0 && (share.others > 0 || again > 0)) this.#hadUntil.set(process, share.hadUntil);
    for (const [each, until] of this.#hadUntil) if (until <= time) this.#hadUntil.delete(each);
    if (again > 0) {
      this.#waiting.set(process, again + lately);
      this.#asked.set(process, again + lately);
    } else this.#waiting.delete(process);
    return { permits, again };
  }

  #shareOf(time: number, window: number, { process, starts, horizon }: PermitAsk): Share {
    const others = [...this.#asked].filter(([each, until]) => each !== process && until > time).length;
    const part = (starts * Math.min(1, horizon / window)) / (others + 1);
    const round = ((others + 1) * window) / starts;
    return new Share(others, part, horizon, round, others === 0 ? 0 : (this.#hadUntil.get(process) ?? 0));
  }
}

/** What a process may take: those who had to wait lately share what there is. */
class Share {
  /** How much at once. */
  readonly most: number;

  constructor(
    readonly others: number,
    readonly part: number,
    readonly horizon: number,
    /** How long it takes until each has had one start. */
    readonly round: number,
    /** Until when it has had its part. */
    public hadUntil: number,
  ) {
    this.most = others === 0 ? Number.POSITIVE_INFINITY : Math.max(1, Math.floor(part));
  }

  /** How far ahead. Where a part is less than a call, they take turns: who has had more than its part may ask later. */
  reachFor(turn: number, weight: number): number {
    if (this.others === 0 || this.part >= weight) return this.horizon;
    const ahead = Math.max(0, this.hadUntil - turn);
    return this.horizon * (1 - ahead / (ahead + this.round) / 2);
  }

  take(turn: number, weight: number): void {
    const time = this.round * weight;
    this.hadUntil = Math.min(Math.max(this.hadUntil, turn) + time, turn + 10 * time);
  }
}

/** A latest start, and its weight. */
type Entry = readonly [latest: number, weight: number];

/** The latest start that must be over for so much more to start: what is left beside it is no more than the rest then. */
function turnOf(latest: readonly Entry[], weight: number, starts: number): number {
  let left = Math.max(0, starts - weight);
  for (const [at, each] of latest) {
    left -= each;
    if (left < 0) return at;
  }
  return Number.NEGATIVE_INFINITY;
}
