import type { IRedisClient } from 'bullmq';
import { nextTurn } from './hold.js';
import { appendOutcomes, inOrder } from './scripts.js';

/** The outcomes for one caller that leave with this turn of the event loop. */
interface Batch {
  readonly outcomes: string[];
  readonly sent: Promise<void>;
}

/** Writes outcomes to the streams of callers, those of one turn together. */
export class ReplyWriter {
  readonly #client: IRedisClient;
  readonly #batches = new Map<string, Batch>();

  constructor(
    /** The client by which BullMQ finishes the jobs, too. */
    client: IRedisClient,
  ) {
    this.#client = client;
  }

  /**
   * Settles once the outcome is ahead of all that this client sends from then on; where it cannot be written, too: its caller
   * asks for the job.
   */
  write(key: string, id: string, outcome: object): Promise<void> {
    const batch = this.#batches.get(key) ?? this.#begin(key);
    batch.outcomes.push(id, JSON.stringify(outcome));
    return batch.sent;
  }

  #begin(key: string): Batch {
    const outcomes: string[] = [];
    const sent = new Promise<void>((resolve) => {
      nextTurn(() => {
        this.#batches.delete(key);
        resolve(inOrder(this.#client, appendOutcomes(this.#client, key, outcomes)));
      });
    });
    const batch = { outcomes, sent };
    this.#batches.set(key, batch);
    return batch;
  }
}
