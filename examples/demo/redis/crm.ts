/** The service that the four processes run: its limits are in Redis, and hold for all of them together. */
import {
  concurrency,
  currentCall,
  fallback,
  isTransient,
  LeaseLostError,
  parseRetryAfter,
  rateLimit,
  retry,
} from 'opero';
import { redisStore } from 'opero/redis';
import { createClient } from 'redis';
import { ask } from './ask.js';

/** For how long a process has its slots without a sign of life, in milliseconds. */
export const lease = 2000;

export const client = createClient({ url: process.env.REDIS_URL ?? '', socket: { reconnectStrategy: 100 } });
// The store notices by itself, and tells.
client.on('error', () => {});

/** The round trips, and what went wrong. */
export const seen = { permits: 0, slots: 0, longest: 0, down: 0, lost: 0 };

export const store = redisStore(client, {
  lease,
  // The quota is another's, and is to hold whatever happens: while Redis is away nothing starts.
  whenDown: 'wait',
  onEvent: ({ type, limit, duration = 0, calls = 0 }) => {
    if (type === 'trip') {
      seen[limit === 'crm-starts' ? 'permits' : 'slots']++;
      seen.longest = Math.max(seen.longest, duration);
    } else if (type === 'down') seen.down++;
    else if (type === 'lost') seen.lost += calls;
  },
});

/** A lease is lost where Redis is away for longer; who only reads may read again. */
const again = [isTransient, LeaseLostError];

interface Customer {
  readonly name: string;
  readonly from: 'server' | 'cache';
}

export class Crm {
  constructor(readonly port: number) {}

  @fallback({ alternatives: ['cached'], on: again })
  @retry({ maxAttempts: 3, waitMin: 20, retryOn: again, delay: parseRetryAfter })
  @rateLimit({ rate: 60, store, name: 'crm-starts' })
  @concurrency({ limit: 8, store, name: 'crm-connections' })
  async customer(id: number): Promise<Customer> {
    const { attempt } = currentCall();
    return { name: await ask(this.port, 'api', id, attempt), from: 'server' };
  }

  cached(id: number): Customer {
    return { name: `customer ${id}, of yesterday`, from: 'cache' };
  }
}
