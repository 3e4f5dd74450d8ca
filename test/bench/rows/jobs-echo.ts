import { queued } from 'opero/bullmq';

export const connection = () => ({
  host: '127.0.0.1',
  port: Number(process.env.REDIS_PORT),
  maxRetriesPerRequest: null,
});

/** The queue that is used as BullMQ has it. */
export const byHand = 'by-hand';

export class Echo {
  @queued({ name: 'echo', connection })
  async echo(value: number): Promise<number> {
    return value;
  }
}
