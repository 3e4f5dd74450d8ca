import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import fc from 'fast-check';
import { Redis } from 'ioredis';
import type { Note, PermitAnswer, PermitAsk } from '../../src/limits/stored/backend.js';
import { PermitState } from '../../src/limits/stored/memory-permits.js';
import { RedisBackend } from '../../src/redis/redis-backend.js';
import { missing, RedisServer } from './support/server.js';
import { timed } from './support/timed-scripts.js';

/** What a process does next, in milliseconds from what was done last. */
const step = fc.record({
  after: fc.nat({ max: 400 }),
  process: fc.nat({ max: 2 }),
  wanted: fc.array(fc.tuple(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 3 })), { maxLength: 2 }),
  /** When, within what it may, each permit of the last answer is used; 0: not at all. */
  use: fc.array(fc.nat({ max: 4 }), { minLength: 8, maxLength: 8 }),
  confirms: fc.boolean(),
  grace: fc.constantFrom(5, 50, 250),
  pause: fc.constantFrom(0, 0, 0, 0, 300),
});
type Step = typeof step extends fc.Arbitrary<infer Each> ? Each : never;
const rules = fc.constantFrom(
  { starts: 3, window: 1000, spread: false },
  { starts: 5, window: 600, spread: false },
  { starts: 1, window: 200, spread: true },
);
type Rules = typeof rules extends fc.Arbitrary<infer Each> ? Each : never;

interface Permit {
  readonly id: string;
  readonly from: number;
  readonly until: number;
  readonly weight: number;
}

/** Has processes ask, and use what they get as late as they may; gives what has started when, with its weight. */
async function run(
  { starts, window, spread }: Rules,
  steps: readonly Step[],
  reserve: (time: number, ask: PermitAsk) => Promise<PermitAnswer> | PermitAnswer,
): Promise<{ readonly used: [number, number][]; readonly answers: PermitAnswer[] }> {
  const used: [number, number][] = [];
  const answers: PermitAnswer[] = [];
  const notes: Note[][] = [[], [], []];
  const pending: (Permit & { readonly grace: number })[][] = [[], [], []];
  let time = 1_000_000;
  let first = 1;
  for (const { after: passed, process, wanted, use, confirms, grace, pause } of steps) {
    time += passed;
    // What was given is used by now, or given back, or left to lapse.
    const left: (typeof pending)[number] = [];
    for (const [at, permit] of (pending[process] ?? []).entries()) {
      const how = use[at % use.length] as number;
      const start = permit.from + ((permit.until - permit.from) * how) / 4;
      if (how === 0) {
        if (time <= permit.until) notes[process]?.push({ kind: 'release', id: permit.id });
      } else if (start > time) left.push(permit);
      else {
        used.push([start, permit.weight]);
        const shift = spread ? (permit.weight - 1) * window : 0;
        if (confirms) notes[process]?.push({ kind: 'confirm', id: permit.id, latest: start + shift });
      }
    }
    pending[process] = left;
    const told = notes[process] ?? [];
    if (pause > 0) told.push({ kind: 'pause', duration: pause, isForAll: false });
    notes[process] = [];
    const horizon = spread ? window * 1.5 : window / 2;
    const ask = { starts, window, horizon, grace, spread, process: `p${process}`, first, wanted, notes: told };
    const answer = await reserve(time, ask);
    answers.push(answer);
    const weights = wanted.flatMap(([weight, count]) => new Array<number>(count).fill(weight));
    for (const [at, from] of answer.permits.entries()) {
      const weight = weights[at] as number;
      const id = `p${process}:${first + at}:${spread ? 1 : weight}`;
      pending[process]?.push({ id, from, until: from + grace, weight, grace });
    }
    first += 8;
  }
  // What is still there is used at the last moment.
  for (const permit of pending.flat()) used.push([permit.until, permit.weight]);
  return { used, answers };
}

/** R1, at every moment at which something started. */
function assertExact(used: readonly [number, number][], { starts, window, spread }: Rules): void {
  const sorted = used.toSorted(([one], [other]) => one - other);
  if (spread) {
    for (let at = 1; at < sorted.length; at++) {
      const [[before, weight], [time]] = [sorted[at - 1] as [number, number], sorted[at] as [number, number]];
      assert.ok(time - before >= weight * window - 1e-3, `${time} comes ${time - before} after ${before}`);
    }
    return;
  }
  for (const [at, [time]] of sorted.entries()) {
    const within = sorted.slice(0, at + 1).filter(([each]) => each > time - window + 1e-3);
    const sum = within.reduce((total, [, weight]) => total + weight, 0);
    assert.ok(sum <= starts || within.length === 1, `${sum} within a window before ${time}`);
  }
}

const idle = { use: new Array<number>(8).fill(0), confirms: false, grace: 5 as const, pause: 0 as const };
/** Asks just when another one counts as waiting no more. */
const atTheLastMoment: [Rules, Step[]] = [
  { starts: 5, window: 600, spread: false },
  [
    { ...idle, after: 0, process: 0, wanted: [[2, 2]] },
    { ...idle, after: 159, process: 0, wanted: [[1, 2]] },
    { ...idle, after: 379, process: 1, wanted: [] },
    { ...idle, after: 367, process: 1, wanted: [] },
  ],
];

const memory = () => {
  const state = new PermitState();
  return (time: number, ask: PermitAsk) => state.reserve(time, ask, () => {});
};

describe('permits, by a model', () => {
  test('R1 no window holds too many, whenever permits are used within what they allow', async () => {
    await fc.assert(
      fc.asyncProperty(rules, fc.array(step, { maxLength: 60 }), async (given, steps) => {
        const { used } = await run(given, steps, memory());
        assertExact(used, given);
      }),
      { numRuns: 300 },
    );
  });

  test('somebody who asks when it is worth asking gets something', async () => {
    await fc.assert(
      fc.asyncProperty(rules, fc.array(step, { maxLength: 40 }), async (given, steps) => {
        const reserve = memory();
        const { answers } = await run(given, steps, reserve);
        let now = Math.max(1_000_000, ...answers.map((each) => each.now)) + 10_000;
        const { starts, window, spread } = given;
        const horizon = spread ? window * 1.5 : window / 2;
        for (let asks = 0; asks < 4; asks++) {
          const ask = {
            starts,
            window,
            horizon,
            grace: 50,
            spread,
            process: 'p',
            first: 1 + asks,
            wanted: [[1, 1]] as const,
            notes: [],
          };
          const { permits, again } = reserve(now, ask) as PermitAnswer;
          if (permits.length === 1) return;
          assert.ok(again > now);
          now = again;
        }
        assert.fail('nothing after four asks');
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
        fc.asyncProperty(rules, fc.array(step, { maxLength: 30 }), async (given, steps) => {
          const clock = timed(client);
          const backend = new RedisBackend(clock.connection, `t${++runs}`);
          const there = await run(given, steps, (time, ask) => {
            clock.time = time;
            return backend.reserve('r:x', ask);
          });
          const here = await run(given, steps, memory());
          assert.deepEqual(rounded(there.answers), rounded(here.answers));
        }),
        { numRuns: 60, examples: [atTheLastMoment] },
      );
    });
  });
});

const rounded = (answers: readonly PermitAnswer[]): unknown =>
  answers.map((each) =>
    JSON.parse(JSON.stringify(each), (_, value) => (typeof value === 'number' ? Math.round(value) : value)),
  );
