import { now } from '../../core/call/clock.js';
import type { Note } from './backend.js';

/** A note with the time from which on it tells nothing any more. */
interface Kept {
  readonly note: Note;
  /** When what it tells of was, by the clock of this process. */
  readonly at: number;
}

/** What a process is going to tell a store of its permits. It tells it again until an answer has come. */
export class Notes {
  #kept: Kept[] = [];
  /** Those that nobody but this process may be waiting for. */
  #confirmations = 0;

  get isEmpty(): boolean {
    return this.#kept.length === 0;
  }

  /** Whether all that it tells is when permits were used: that only matters to those who wait. */
  get isOfStarts(): boolean {
    return this.#confirmations === this.#kept.length;
  }

  /** Whether a pause, or its end, is still to be told of. */
  get tellsOfPause(): boolean {
    return this.#kept.some(({ note }) => note.kind === 'pause' || note.kind === 'resume');
  }

  add(note: Note): void {
    if (note.kind === 'confirm') this.#confirmations++;
    this.#kept.push({ note, at: now() });
  }

  /** Forgets what counts no more. */
  trim(longest: number): void {
    const oldest = now() - longest;
    const first = this.#kept[0];
    if (first !== undefined && first.at < oldest) this.#set(this.#kept.filter(({ at }) => at >= oldest));
  }

  /** What is to be told now, and what has told it once there was an answer. */
  take(): { readonly notes: Note[]; readonly done: () => void } {
    const taken = this.#kept;
    const time = now();
    const told = new Set(taken);
    return {
      notes: taken.map(({ note, at }) => {
        if (note.kind === 'charge') return { ...note, age: note.age + (time - at) };
        return note.kind === 'pause' ? { ...note, duration: Math.max(0, note.duration - (time - at)) } : note;
      }),
      done: () => this.#set(this.#kept.filter((each) => !told.has(each))),
    };
  }

  #set(kept: Kept[]): void {
    this.#kept = kept;
    this.#confirmations = kept.filter(({ note }) => note.kind === 'confirm').length;
  }
}
