// Has nothing left to do but to wait for one call of the kind asked for, and prints what came of it.
import {
  concurrency,
  currentCall,
  hedge,
  type RejectedError,
  rateLimit,
  retry,
  type TimeoutError,
  timeout,
} from 'opero';

let attempts = 0;

class Api {
  @rateLimit({ rate: 1, per: 60 })
  async limited(value: string): Promise<string> {
    return value;
  }

  @retry({ maxAttempts: 2, waitMin: 60, jitter: 'none' })
  async retried(value: string): Promise<string> {
    if (++attempts === 1) throw new Error('once');
    return value;
  }

  @timeout(60)
  async attempt(): Promise<string> {
    return await new Promise<string>(() => {});
  }

  @timeout({ total: 60 })
  async total(): Promise<string> {
    return await new Promise<string>(() => {});
  }

  @hedge(() => 60)
  async hedged(): Promise<string> {
    return currentCall().hedge === 1 ? 'hedge' : await new Promise<string>(() => {});
  }

  @concurrency({ limit: 1, maxWait: 60 })
  async never(): Promise<string> {
    return await new Promise<string>(() => {});
  }
}

const api = new Api();
const kinds: Record<string, () => Promise<string>> = {
  rateLimit: async () => {
    await api.limited('first');
    return api.limited('second');
  },
  attempt: () => api.attempt().catch((error: TimeoutError) => error.scope),
  // Its timer is left from a call before.
  total: () => api.total().catch(() => api.total().catch((error: TimeoutError) => error.scope)),
  hedge: () => api.hedged(),
  retry: () => api.retried('second'),
  maxWait: () => {
    void api.never();
    return api.never().catch((error: RejectedError) => error.reason);
  },
};
const kind = process.argv[2];
kinds[kind]().then(console.log);
