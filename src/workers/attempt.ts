import type { Report } from './protocol.js';
import type { Channel, WatchedWorker } from './watched-worker.js';

/**
 * One sending of a task: what the pool knows of it, as its signal and its channel. The part of an AbortSignal that
 * tinypool listens to comes without the cost of a real one. A worker that is idle still holds that of its last task,
 * which must hold nothing else by then.
 */
export class Attempt implements Channel {
  aborted = false;
  worker: WatchedWorker | undefined;
  /** The worker that was starting for it, and died. */
  lost: WatchedWorker | undefined;
  report: Report | undefined;
  hasEntered = false;
  #onTaken: (() => void) | undefined;
  #listener: (() => void) | undefined;

  constructor(onTaken: () => void) {
    this.#onTaken = onTaken;
  }

  takenBy(worker: WatchedWorker): void {
    this.worker = worker;
    this.#onTaken?.();
    this.#onTaken = undefined;
  }

  /** A process says something; so may the code of its job. */
  postMessage(message: unknown): void {
    if ((message as Partial<Report> | null)?.opero !== 'report') return;
    this.report = message as Report;
    this.hasEntered ||= this.report.entered > 0;
  }

  once(_event: 'abort', listener: () => void): void {
    this.#listener = listener;
  }

  off(): void {
    this.#listener = undefined;
  }

  /** Once is enough: tinypool fails an assertion when a task is taken back twice. */
  stop(): void {
    this.aborted = true;
    const listener = this.#listener;
    this.#listener = undefined;
    listener?.();
  }
}
