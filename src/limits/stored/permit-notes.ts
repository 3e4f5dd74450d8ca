import { now } from '../../core/call/clock.js';
import type { Note } from './backend.js';

/** A note with the time from which on it tells nothing any more. */
interface Kept {
  readonly note: Note;
  /** When what it tells of was, by the clock of this process. */
  readonly at: number;
}

/** How many are kept at the least, where more count: one message tells of all, and a server takes no longer ones. */
const most = 10_000;

/** What a process is going to tell a store of its permits. It tells it again until an answer has come. */
export class Notes {
  #kept: Kept[] = [];
  /** Those that nobody but this process may be waiting for. */
  #confirmations = 0;
  /** When there are so many, what counts no more is dropped: so that costs no more than the adding did. */
  #full = 64;

  constructor(
    /** For how long a start counts, in milliseconds, and how many there may be in that time. */
    readonly counting: () => { readonly duration: number; readonly starts: number },
    /** What the clock of the store shows at a time; Infinity: nobody knows. */
    readonly toStoreTime: (time: number) => number,
  ) {}

  get isEmpty(): boolean {
    return this.#kept.length === 0;
  }

  /** Whether all that it tells is when permits were used: that only matters to those who wait. */
  get isOfStarts(): boolean {
    return this.#confirmations === this.#kept.length;
  }

  /** Whether a pause, or its end, is still to be told of. */
  get tellsOfPause(): boolean {
    return this.#kept.some(({ note }) => isOfPause(note));
  }

  add(note: Note): void {
    if (note.kind === 'confirm') this.#confirmations++;
    this.#kept.push({ note, at: now() });
    if (this.#kept.length < this.#full) return;
    this.#trim();
    this.#full = Math.max(64, 2 * this.#kept.length);
  }

  /** What is to be told now, and what has told it once there was an answer. */
  take(): { readonly notes: Note[]; readonly done: () => void } {
    this.#trim();
    const taken = this.#kept;
    const time = now();
    const told = new Set(taken);
    return {
      notes: taken.map(({ note, at }) => {
        if (note.kind === 'charge') return { ...note, age: note.age + (time - at) };
        if (note.kind !== 'pause') return note;
        const end = at + note.duration;
        return { ...note, duration: Math.max(0, end - time), until: this.toStoreTime(end) };
      }),
      done: () => this.#set(this.#kept.filter((each) => !told.has(each))),
    };
  }

  /** Forgets what counts no more. Of more starts than there may be the last ones tell when there may be another. */
  #trim(): void {
    const { duration, starts } = this.counting();
    const time = now();
    const live = this.#kept.filter(({ note, at }) => {
      if (note.kind === 'pause') return at + note.duration > time;
      return note.kind === 'resume' || at >= time - duration;
    });
    const spare = live.length - Math.max(most, starts);
    if (live.length === this.#kept.length && spare <= 0) return;
    this.#set(live.filter(({ note }, at) => at >= spare || isOfPause(note)));
  }

  #set(kept: Kept[]): void {
    this.#kept = kept;
    this.#confirmations = kept.filter(({ note }) => note.kind === 'confirm').length;
  }
}

const isOfPause = ({ kind }: Note): boolean => kind === 'pause' || kind === 'resume';
