import type { IRedisClient } from 'bullmq';
import { nextTurn } from './hold.js';
import { appendOutcomes } from './scripts.js';

/** The outcomes for one caller that leave with this turn of the event loop. */
interface Batch {
  readonly outcomes: string[];
  readonly sent: Promise<void>;
}

/** Writes outcomes to the streams of callers, those of one turn together. */
export class ReplyWriter {
  readonly #client: IRedisClient;
  readonly #batches = new Map<string, Batch>();

  constructor(client: IRedisClient) {
    this.#client = client;
  }

  /** Settles once the outcome is written; where it cannot be, too: its caller asks for the job. */
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
        appendOutcomes(this.#client, key, outcomes).then(
          () => resolve(),
          () => resolve(),
        );
      });
    });
    const batch = { outcomes, sent };
    this.#batches.set(key, batch);
    return batch;
  }
}
