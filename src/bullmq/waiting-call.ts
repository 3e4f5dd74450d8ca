import type { JobState } from './scripts.js';

/** A call that waits for the outcome of its job, as those know it who bring that. */
export interface WaitingCall {
  /** The id of its job. */
  readonly id: string;
  readonly isSettled: boolean;
  /** When it asks for its job, by `now()`, if it hears nothing until then. */
  readonly askAt: number;
  /** What its worker wrote came. */
  receive(text: string): void;
  /** What its queue knows of its job. */
  look(): Promise<JobState>;
  /** There was news of its job. */
  hear(): void;
  /** Its job is not there any more, or has ended, and nobody wrote what came of it. */
  endBy(state: JobState): void;
}

/** A queue, as its calls know it. */
export interface CallQueue {
  readonly name: string;
  look(id: string): Promise<JobState>;
  /** Takes a job out of the queue; gives whether it could be: one that runs cannot. */
  remove(id: string): Promise<boolean>;
  /** Has all outcomes read that are there. */
  readReplies(): Promise<void>;
  /** Nobody waits for a job any more: takes it out of the queue, or tells its worker. Gives whether it was taken out. */
  cancel(id: string, reason: unknown): Promise<boolean>;
  /** Whether a job cannot be kept back any more, though it is not known to be in the queue. */
  isOnItsWay(id: string): boolean;
}
