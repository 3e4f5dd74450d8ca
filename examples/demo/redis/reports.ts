/** What runs as jobs, in whichever process takes them. */
import { queued } from 'opero/bullmq';
import { ask } from './ask.js';

/** For how long a process has a job without a sign of life, in milliseconds. */
export const lockDuration = 1500;

/** The connection to the Redis of the demo, once it is there. */
export const redis = { url: process.env.REDIS_URL ?? '' };

export class Reports {
  constructor(readonly port = 0) {}

  @queued({ name: 'reports', connection: () => redis.url })
  async write(month: number): Promise<string> {
    return `report of month ${month}: ${await ask(this.port, 'archive', month, 1)}`;
  }
}
