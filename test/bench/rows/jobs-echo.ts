import { Queue, QueueEvents } from 'bullmq';
import { queued } from 'opero/bullmq';

export const connection = () => ({
  host: '127.0.0.1',
  port: Number(process.env.REDIS_PORT),
  maxRetriesPerRequest: null,
});

/** The queue that is used as BullMQ has it. */
export const byHand = 'by-hand';

/** An instance of a class of its own, with a connection of its own: each Redis gets one. */
export function newEcho() {
  class Echo {
    @queued({ name: 'echo', connection: () => connection() })
    async echo(value: number): Promise<number> {
      return value;
    }
  }
  return new Echo();
}

/** Calls that are made as BullMQ has it: a job each, and its own waiting. */
export async function waitingByHand() {
  const queue = new Queue<number>(byHand, { connection: connection() });
  const events = new QueueEvents(byHand, { connection: connection() });
  // Each call that waits listens to both.
  for (const each of [queue, events]) each.setMaxListeners(0);
  await events.waitUntilReady();
  return {
    queue,
    call: async (value: number): Promise<unknown> => {
      const job = await queue.add('echo', value);
      return await job.waitUntilFinished(events);
    },
    close: async (): Promise<void> => {
      await events.close();
      await queue.close();
    },
  };
}
