import { queued } from 'opero/bullmq';
import { connection } from './crm.js';

/** An object whose jobs go into a queue of this name. */
export function Foreign(name: string) {
  class Foreign {
    @queued({ name, connection })
    async call(value: string): Promise<unknown> {
      return value;
    }
  }
  return new Foreign();
}
