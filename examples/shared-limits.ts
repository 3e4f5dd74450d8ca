/** One limit for methods of several classes: a quota by weight, urgent calls first, and a pause that holds for all. */
import { ConcurrencyLimiter, concurrency, RateLimiter, rateLimit } from 'opero';

const begun: string[] = [];
const quota = new RateLimiter({ rate: 10, per: 1_000 });
const connections = new ConcurrencyLimiter({ limit: 2, maxWait: 5_000 });

class Users {
  @rateLimit(quota)
  @concurrency(connections)
  async load(id: string): Promise<void> {
    begun.push(`user ${id}`);
  }
}

class Orders {
  @rateLimit({
    limiter: quota,
    weight: (ids: readonly string[]) => ids.length,
    priority: (_ids: readonly string[], isUrgent = false) => (isUrgent ? 1 : 0),
  })
  @concurrency(connections)
  async load(ids: readonly string[], _isUrgent = false): Promise<void> {
    begun.push(`orders ${ids.join('+')}`);
  }
}

const users = new Users();
const orders = new Orders();

await orders.load(['1', '2', '3', '4', '5', '6', '7']);
await users.load('Ann');
console.log(`${quota.used} of ${quota.limit} permits are used`);

// Two are left, so that this one waits for those of the window before; no lighter one overtakes it, but one that is urgent.
const all = [orders.load(['8', '9', '10', '11']), users.load('Bob'), orders.load(['12'], true)];
console.log(`${quota.waiting} wait`);
await Promise.all(all);
console.log(begun.slice(2).join(', '));

quota.pause(50);
const from = performance.now();
await users.load('Cem');
console.log('after the pause:', performance.now() - from >= 49);
