// Makes one call under each limit, and then has nothing left to do but what opero may have begun.
import { Redis } from 'ioredis';
import { Orchestrator } from 'opero';
import { redisStore } from 'opero/redis';
import { createClient } from 'redis';

const [, , port, kind, state] = process.argv;
const io = kind === 'ioredis' ? new Redis(Number(port), { retryStrategy: null }) : undefined;
const node = io === undefined ? createClient({ socket: { port: Number(port), reconnectStrategy: false } }) : undefined;
for (const each of [io, node]) each?.on('error', () => {});
await node?.connect().catch(() => {});
const store = redisStore((io ?? node) as Redis, { timeout: 200, lease: 60_000 });
const run = new Orchestrator({
  rateLimit: { rate: 10, store, name: 'api' },
  concurrency: { limit: 2, store, name: 'api' },
}).wrap(async () => 'done');
console.log(await run());
// Its connection to be told of slots has come about, where it can.
await new Promise((resolve) => setTimeout(resolve, 100));
if (state === 'up') {
  void run().then(console.log);
  await new Promise((resolve) => setTimeout(resolve, 50));
}
io?.disconnect();
if (node?.isOpen) node.destroy();
