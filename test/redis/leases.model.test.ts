import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import fc from 'fast-check';
import { Redis } from 'ioredis';
import type { LeaseAnswer, LeaseMessage } from '../../src/limits/stored/backend.js';
import { LeaseState } from '../../src/limits/stored/memory-leases.js';
import { RedisBackend } from '../../src/redis/redis-backend.js';
import { missing, RedisServer } from './support/server.js';
import { timed } from './support/timed-scripts.js';

const lease = 900;
const step = fc.record({
  after: fc.nat({ max: 200 }),
  process: fc.nat({ max: 3 }),
  /** How many more calls come, and how many of those that run end. */
  comes: fc.nat({ max: 3 }),
  weight: fc.constantFrom(1, 1, 1, 2),
  ends: fc.nat({ max: 3 }),
  /** Whether the answer is lost, and whether the message comes once more. */
  fate: fc.constantFrom('good', 'good', 'good', 'lost', 'twice', 'dead'),
});
type Step = typeof step extends fc.Arbitrary<infer Each> ? Each : never;

/** A process as it is: the truth of what it holds. */
interface Process {
  running: number;
  waiting: number[];
  epoch: string;
  sequence: number;
  leasedUntil: number;
  fence: number;
}

type Take = (time: number, message: LeaseMessage) => Promise<LeaseAnswer> | LeaseAnswer | undefined;

async function run(limit: number, steps: readonly Step[], take: Take): Promise<{ answers: unknown[]; most: number }> {
  const processes: Process[] = Array.from({ length: 4 }, () => ({
    running: 0,
    waiting: [],
    epoch: '',
    sequence: 0,
    leasedUntil: 0,
    fence: 0,
  }));
  const answers: unknown[] = [];
  let time = 1_000_000;
  let most = 0;
  let fence = 0;
  for (const { after: passed, process: number, comes, weight, ends, fate } of steps) {
    time += passed;
    const me = processes[number] as Process;
    if (fate === 'dead') {
      // A new one takes its place; what it held is held by nobody once its lease is over, and it ran no longer than that.
      Object.assign(me, { running: 0, waiting: [], epoch: '', sequence: me.sequence });
      continue;
    }
    // One that could not renew its lease lets go of what it has.
    if (time >= me.leasedUntil) me.running = 0;
    if (time > me.leasedUntil + lease) me.epoch = '';
    for (let n = 0; n < comes; n++) me.waiting.push(Math.min(weight, limit));
    me.running = Math.max(0, me.running - ends);
    const message: LeaseMessage = {
      limit,
      lease,
      process: `p${number}`,
      sequence: ++me.sequence,
      held: me.running,
      wanted: me.waiting.map((each) => [each, 1]),
      epoch: me.epoch,
      leaves: false,
    };
    let answer = await take(time, message);
    if (fate === 'twice') answer = await take(time, message);
    assert.ok(answer);
    const { closedFor, nextEnd, ...rest } = answer;
    answers.push({ ...rest, closedFor: Math.round(closedFor), nextEnd: Math.round(nextEnd) });
    if (fate === 'lost') continue;
    me.epoch = answer.epoch;
    me.leasedUntil = time + lease;
    let got = answer.got;
    for (let first = me.waiting[0]; first !== undefined && first <= got; first = me.waiting[0]) {
      me.waiting.shift();
      got -= first;
      me.running += first;
    }
    if (answer.fence > 0) {
      assert.ok(answer.fence > fence, 'C7 it grows');
      fence = answer.fence;
    }
    const inUse = processes.reduce((sum, each) => sum + (time < each.leasedUntil ? each.running : 0), 0);
    most = Math.max(most, inUse);
  }
  return { answers, most };
}

const memory = (): Take => {
  const state = new LeaseState();
  return (time, message) => state.take(time, message, () => {});
};

describe('leases, by a model', () => {
  test('C1 C2 at most the limit is held, whatever is lost, comes twice or dies', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 5 }), fc.array(step, { maxLength: 80 }), async (limit, steps) => {
        const { most } = await run(limit, steps, memory());
        assert.ok(most <= limit, `${most} of ${limit}`);
      }),
      { numRuns: 300 },
    );
  });

  test('C3 C4 who lives gets all slots once the others are dead', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 5 }), fc.array(step, { maxLength: 40 }), async (limit, steps) => {
        const take = memory();
        await run(limit, steps, take);
        const message = { limit, lease, process: 'new', held: 0, wanted: [[1, 5]] as const, epoch: '', leaves: false };
        const time = 1_000_000 + 200 * 40 + 1;
        const first = (await take(time, { ...message, sequence: 1 })) as LeaseAnswer;
        const held = Math.min(5, first.got);
        const wanted = [[1, 5 - held]] as const;
        const second = (await take(time + lease, {
          ...message,
          sequence: 2,
          held,
          wanted,
          epoch: first.epoch,
        })) as LeaseAnswer;
        assert.equal(held + second.got, limit);
      }),
      { numRuns: 100 },
    );
  });

  describe('in a Redis', { skip: missing }, () => {
    let server: RedisServer;
    let client: Redis;
    before(async () => {
      server = await RedisServer.start();
      client = new Redis(server.port);
    });
    after(async () => {
      client?.disconnect();
      await server?.stop();
    });

    test('the script does what the state in memory does', async () => {
      let runs = 0;
      await fc.assert(
        fc.asyncProperty(fc.integer({ min: 1, max: 5 }), fc.array(step, { maxLength: 30 }), async (limit, steps) => {
          const clock = timed(client);
          const backend = new RedisBackend(clock.connection, `t${++runs}`);
          const there = await run(limit, steps, (time, message) => {
            clock.time = time;
            return backend.lease('c:x', message);
          });
          const here = await run(limit, steps, memory());
          assert.deepEqual(there.answers, here.answers);
        }),
        { numRuns: 60 },
      );
    });
  });
});
