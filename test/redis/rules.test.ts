import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { concurrency, Orchestrator, type RateLimitConfig, RateLimiter, rateLimit, type Store, statsOf } from 'opero';
import { redisStore } from 'opero/redis';
import { memoryStore } from 'opero/testing';
import type { LeaseAnswer, PermitAnswer, PermitAsk } from '../../src/limits/stored/backend.js';
import { Memory, MemoryBackend } from '../../src/limits/stored/memory-backend.js';
import { LeaseState } from '../../src/limits/stored/memory-leases.js';
import { PermitState } from '../../src/limits/stored/memory-permits.js';
import { OwnStarts } from '../../src/limits/stored/own-starts.js';
import { StoreOn } from '../../src/limits/stored/store-on.js';
import { advance, underFakeClock } from '../support/clock.js';
import { rejection } from '../support/rejection.js';
import { assertWindows } from '../support/starts.js';
import { Work } from '../support/work.js';

/** A store that counts its round trips. */
function counting(sharedWith?: Store, options: object = {}) {
  const counts = { trips: 0 };
  const store = memoryStore({
    ...options,
    ...(sharedWith && { sharedWith }),
    onEvent({ type }) {
      if (type === 'trip') counts.trips++;
    },
  });
  return { store, counts };
}

function limited(store: Store, config: { rate: number; per?: number }) {
  const starts: number[] = [];
  class Api {
    @rateLimit({ ...config, store, name: 'api' })
    async get(_options?: unknown): Promise<void> {
      starts.push(Date.now());
    }
  }
  return { api: new Api(), starts };
}

const ask: PermitAsk = {
  starts: 10,
  window: 1000,
  horizon: 500,
  grace: 50,
  spread: false,
  process: 'p',
  first: 1,
  wanted: [],
  notes: [],
};
const none = (): void => {};

/** A server that is away, or has a permit for everybody; it keeps of how many starts each message told. */
class Server {
  isAway = true;
  readonly told: number[] = [];
  /** How long the pauses were, in milliseconds. */
  readonly pauses: number[] = [];

  async send(args: readonly string[]): Promise<unknown> {
    if (this.isAway) throw new Error('away');
    if (args[0] === 'SET') return 'OK';
    this.told.push(args.filter((each) => each === 'charge').length);
    if (args.includes('pause')) this.pauses.push(Number(args[args.indexOf('pause') + 1]) / 1000);
    return [1_000_000_000, 0, 0, 1, 0, 1_000_000, 0];
  }
}

/** What is asked comes there so many milliseconds late. */
class SlowBackend extends MemoryBackend {
  delay = 0;

  override async reserve(tag: string, message: PermitAsk): Promise<PermitAnswer> {
    if (this.delay > 0) await new Promise((resolve) => setTimeout(resolve, this.delay));
    return await super.reserve(tag, message);
  }
}

describe('rate limits in a store', () => {
  for (const [what, count] of [
    ['what counts still', 100],
    ['no more than one message can hold', 10_000],
  ] as const) {
    test(`a store that is back is told of ${what}`, () =>
      underFakeClock(async (clock) => {
        const server = new Server();
        const store = redisStore(server, { whenDown: 'open' });
        class Api {
          @rateLimit({ rate: 10, store, name: 'api' })
          async get(): Promise<void> {}
        }
        const api = new Api();
        const begun: number[] = [];
        for (let tenth = 0; tenth < 30; tenth++) {
          begun.push(Date.now());
          await Promise.all(Array.from({ length: count }, () => api.get()));
          await clock.tickAsync(100);
        }
        server.isAway = false;
        while (server.told.length === 0) await clock.tickAsync(10);
        // When it is tried again is drawn at random. A start counts for its window, and for how far ahead permits are given.
        const toldAt = Date.now();
        const [least, most] = [toldAt - 1500 + 20, toldAt - 1500 - 20].map((since) =>
          Math.min(10_000, count * begun.filter((at) => at >= since).length),
        ) as [number, number];
        const [told = 0] = server.told;
        assert.ok(told > 0 && told >= least && told <= most, `${told}, not ${least} to ${most}`);
        await store.close();
      }));
  }

  for (const [away, isOver] of [
    [3000, false],
    [8000, true],
  ] as const) {
    test(`a store that was away for ${away} ms is told of a pause of 5 s ${isOver ? 'no more' : 'still'}`, () =>
      underFakeClock(async (clock) => {
        const server = new Server();
        const store = redisStore(server, { whenDown: 'open' });
        class Api {
          @rateLimit({ rate: 10, store, name: 'api', pauseFor: () => 5000 })
          async get(): Promise<void> {
            throw new Error('busy');
          }
        }
        await rejection(new Api().get());
        const pausedAt = Date.now();
        await clock.tickAsync(away);
        server.isAway = false;
        while (server.told.length === 0) await clock.tickAsync(10);
        const [told] = server.pauses;
        const left = 5000 - (Date.now() - pausedAt);
        if (isOver) assert.equal(told, undefined);
        else assert.ok(told !== undefined && Math.abs(told - left) <= 20, `${told}, not ${left}`);
        await store.close();
      }));
  }

  test('R2 unsaturated, one round trip a start', () =>
    underFakeClock(async (clock) => {
      const { store, counts } = counting();
      const { api } = limited(store, { rate: 100 });
      for (let n = 0; n < 5; n++) {
        await api.get();
        await advance(clock, 50);
      }
      assert.equal(counts.trips, 5);
    }));

  test('R2 with keys too, once it is known whether all of them are paused', () =>
    underFakeClock(async (clock) => {
      const { store, counts } = counting();
      const run = new Orchestrator({
        rateLimit: { rate: 100, store, name: 'api', key: (key: number) => `${key}` },
      }).wrap(async (_key: number) => {});
      for (let n = 0; n < 2; n++) {
        await run(n);
        await advance(clock, 50);
      }
      // Once before the first start, and once more when this process listens.
      assert.equal(counts.trips, 2 + 2);
      for (let n = 0; n < 50; n++) {
        await run(n % 10);
        await advance(clock, 500);
      }
      assert.equal(counts.trips, 2 + 2 + 50);
    }));

  test('R2 all calls of a turn are one ask', () =>
    underFakeClock(async () => {
      const { store, counts } = counting();
      const { api } = limited(store, { rate: 100 });
      await Promise.all(Array.from({ length: 50 }, () => api.get()));
      assert.equal(counts.trips, 1);
    }));

  test('R2 no ask is for so many that it would hold up a server, and nobody is turned away for that', () =>
    underFakeClock(async () => {
      const asked: number[] = [];
      class Recording extends MemoryBackend {
        override async reserve(tag: string, message: PermitAsk): Promise<PermitAnswer> {
          asked.push(message.wanted.reduce((sum, [, count]) => sum + count, 0));
          return await super.reserve(tag, message);
        }
      }
      const options = {
        timeout: 500,
        whenDown: 'wait',
        lease: 10_000,
        processes: undefined,
        onEvent: undefined,
      } as const;
      const store = new StoreOn(new Recording(new Memory()), options) as unknown as Store;
      class Api {
        @rateLimit({ rate: 100_000, store, name: 'api', maxWait: 0, weight: (weight: number) => weight })
        async get(_weight: number): Promise<void> {}
      }
      const api = new Api();
      await Promise.all(Array.from({ length: 2500 }, (_, at) => api.get(1 + Math.floor(at / 100))));
      assert.ok(Math.max(...asked) <= 1000 && asked.length <= 4, `${asked}`);
      await Promise.all(Array.from({ length: 300 }, (_, at) => api.get(1 + (at % 2))));
    }));

  test('R2 saturated, at most 0.3 round trips a start, and every window is full', () =>
    underFakeClock(async (clock) => {
      const one = counting();
      const two = counting(one.store);
      const members = [one, two].map(({ store }) => limited(store, { rate: 100 }));
      for (const { api } of members) for (let n = 0; n < 300; n++) void api.get();
      await advance(clock, 5100);
      const starts = members.flatMap((each) => each.starts).toSorted((a, b) => a - b);
      assertWindows(starts, 100, 1000);
      assert.ok(starts.length >= 490, `${starts.length} starts`);
      const trips = one.counts.trips + two.counts.trips;
      assert.ok(trips / starts.length <= 0.3, `${trips / starts.length}`);
    }));

  test('R3 each process gets its share', () =>
    underFakeClock(async (clock) => {
      const one = memoryStore();
      const members = [one, memoryStore({ sharedWith: one })].map((store) => limited(store, { rate: 20 }));
      for (const { api } of members) for (let n = 0; n < 200; n++) void api.get();
      await advance(clock, 8000);
      const [first, second] = members.map(({ starts }) => starts.length) as [number, number];
      assert.ok(Math.min(first, second) > 0.3 * (first + second), `${first} and ${second}`);
    }));

  for (const rates of [{ rate: 2 }, { rate: 1, per: 5000 }, { rate: 4, spread: true }, { rate: 6, per: 10_000 }]) {
    test(`R3 of a rate that is slower than its processes, ${JSON.stringify(rates)}, each gets its share`, () =>
      underFakeClock(async (clock) => {
        const one = memoryStore();
        const stores = [one, ...[1, 2, 3, 4].map(() => memoryStore({ sharedWith: one }))];
        const members = stores.map((store) => limited(store, rates));
        for (const { api } of members) for (let n = 0; n < 30; n++) void api.get();
        const { rate, per = 1000 } = rates;
        // The first window is for the first who asks: nobody else has had to wait by then.
        await advance(clock, per);
        const before = members.map(({ starts }) => starts.length);
        await advance(clock, (40 * per) / rate);
        const counts = members.map(({ starts }, at) => starts.length - (before[at] as number));
        assert.ok(Math.min(...counts) >= 7 && Math.max(...counts) <= 9, `${counts}`);
      }));
  }

  test('R5 a permit that lapses while its call waits for a slot is not used; the call keeps its place', () =>
    underFakeClock(async (clock) => {
      const work = new Work();
      const starts: number[] = [];
      class Api {
        @rateLimit({ rate: 10, store: memoryStore(), name: 'api' })
        @concurrency(1)
        async run(name: string): Promise<void> {
          starts.push(Date.now());
          await work.begin(name);
        }
      }
      const api = new Api();
      const calls = ['a', 'b', 'c'].map((name) => api.run(name));
      await advance(clock, 600);
      for (const name of ['a', 'b', 'c']) {
        work.end(name);
        await advance(clock, 400);
      }
      await Promise.all(calls);
      assert.deepEqual(work.begun, ['a', 'b', 'c']);
      assert.equal(starts.length, 3);
    }));

  test('R7 nobody takes permits further ahead than a horizon', () => {
    const state = new PermitState();
    const full = state.reserve(1000, { ...ask, wanted: [[1, 10]] }, none);
    assert.equal(full.permits.length, 10);
    const next = state.reserve(1400, { ...ask, first: 11, wanted: [[1, 100]] }, none);
    assert.deepEqual(next.permits, []);
    assert.equal(next.again, 1000 + 50 + 1000 - 500);
    assert.equal(state.reserve(1550, { ...ask, first: 111, wanted: [[1, 100]] }, none).permits.length, 10);
  });

  test('R8 what nobody here needs goes back, for others', () =>
    underFakeClock(async (clock) => {
      const one = memoryStore();
      const first = limited(one, { rate: 2, per: 1000 });
      const other = limited(memoryStore({ sharedWith: one }), { rate: 2, per: 1000 });
      await first.api.get();
      await first.api.get();
      const controller = new AbortController();
      const calls = [0, 1].map(() => first.api.get({ signal: controller.signal }).catch(() => {}));
      await advance(clock, 800);
      controller.abort();
      await Promise.all(calls);
      await advance(clock, 30);
      void other.api.get();
      void other.api.get();
      await advance(clock, 500);
      assert.equal(other.starts.length, 2);
    }));

  test('R8 what was asked for when its store is closed goes back', () =>
    underFakeClock(async (clock) => {
      const memory = new Memory();
      const options = {
        timeout: 500,
        whenDown: 'wait',
        lease: 10_000,
        processes: undefined,
        onEvent: undefined,
      } as const;
      const slow = new SlowBackend(memory);
      const store = new StoreOn(slow, options) as unknown as Store;
      const other = new StoreOn(new MemoryBackend(memory), options) as unknown as Store;
      const [first, second] = [store, other].map((each) => limited(each, { rate: 2, per: 20_000 })) as [
        ReturnType<typeof limited>,
        ReturnType<typeof limited>,
      ];
      slow.delay = 60;
      const calls = [first.api.get(), first.api.get()].map((call) => call.catch(() => {}));
      await advance(clock, 30);
      void store.close();
      await Promise.all(calls);
      await advance(clock, 200);
      void second.api.get();
      void second.api.get();
      await advance(clock, 10);
      assert.deepEqual([first.starts.length, second.starts.length], [0, 2]);
    }));

  test('R9 while others wait, a start counts from when it was, not from when it might have been', () =>
    underFakeClock(async (clock) => {
      const one = memoryStore();
      const first = limited(one, { rate: 10 });
      const other = limited(memoryStore({ sharedWith: one }), { rate: 10 });
      for (let n = 0; n < 10; n++) void first.api.get();
      await advance(clock, 1);
      void first.api.get();
      void other.api.get();
      await advance(clock, 1100);
      const [start] = other.starts;
      assert.ok(start !== undefined && start >= 1000 && start <= 1040, `${start}`);
    }));

  test('R10 a clock that was set back by up to a window: starts wait that much longer at most', () => {
    const state = new PermitState();
    state.reserve(10_000, { ...ask, wanted: [[1, 10]] }, none);
    const back = state.reserve(9600, { ...ask, first: 11, wanted: [[1, 1]] }, none);
    assert.deepEqual(back.permits, []);
    const later = state.reserve(10_600, { ...ask, first: 12, wanted: [[1, 1]] }, none);
    assert.deepEqual(later.permits, [10_000 + 50 + 1000]);
  });

  test('R10 by more than a window: all starts are held for one', () => {
    const state = new PermitState();
    state.reserve(100_000, { ...ask, wanted: [[1, 10]] }, none);
    const { again } = state.reserve(50_000, { ...ask, first: 11, wanted: [[1, 1]] }, none);
    assert.equal(again, 50_000 + 50 + 1000 - 500);
  });

  test('what a process remembers of its starts does not grow with them', () => {
    const starts = new OwnStarts();
    let most = 0;
    for (let time = 0; time < 10_000; time++) {
      starts.add(time, 1, 100);
      most = Math.max(most, starts.weightWithin(Number.POSITIVE_INFINITY, time));
    }
    assert.ok(most < 500, `${most}`);
    starts.trim(100, 9999);
    assert.equal(starts.weightWithin(Number.POSITIVE_INFINITY, 9999), 100);
    // The oldest of those that are left counts for one more window.
    assert.equal(starts.turnOf(1, 100, 100), 10_000);
  });

  test('a rate that weighs after the fact is charged, or given back', () =>
    underFakeClock(async (clock) => {
      const store = memoryStore();
      const starts: number[] = [];
      const quota = { rate: 10, per: 1000, store, name: 'tokens' };
      const run = new Orchestrator({
        rateLimit: { ...quota, weight: () => 5, weightResult: (value: number) => value },
      }).wrap(async (tokens: number) => {
        starts.push(Date.now());
        return tokens;
      });
      await run(1);
      await advance(clock, 10);
      // Four came back: 1 + 5 leave room for no more than four.
      await run(9);
      await advance(clock, 10);
      void run(5);
      await advance(clock, 1100);
      assert.equal(starts.length, 3);
      assert.ok((starts[2] as number) >= 1000);
    }));
});

describe('slots in a store', () => {
  test('C8 a slot passes on here without a trip while nobody else stands in line', () =>
    underFakeClock(async (clock) => {
      const { store, counts } = counting();
      const run = new Orchestrator({ concurrency: { limit: 2, store, name: 'api' } }).wrap(
        () => new Promise((resolve) => setTimeout(resolve, 5)),
      );
      const calls = Promise.all(Array.from({ length: 40 }, () => run()));
      await advance(clock, 200);
      await calls;
      assert.ok(counts.trips <= 4, `${counts.trips} trips`);
    }));

  test('nobody is turned away as one message does not tell of so many weights', () =>
    underFakeClock(async () => {
      class Api {
        @concurrency({ limit: 300, store: memoryStore(), name: 'api', maxWait: 0, weight: (weight: number) => weight })
        async hold(_weight: number): Promise<void> {}
      }
      const api = new Api();
      await Promise.all(Array.from({ length: 200 }, (_, at) => api.hold(1 + (at % 2))));
    }));

  test('C4 who has not fetched what it was granted gets no other', () => {
    const state = new LeaseState();
    const told: string[] = [];
    const base = { limit: 3, lease: 900, sequence: 1, held: 0, epoch: '', leaves: false };
    const say = (process: string, time: number, more: object): LeaseAnswer =>
      state.take(time, { ...base, process, wanted: [], ...more }, (each) => told.push(each)) as LeaseAnswer;
    const { epoch } = say('a', 1000, { wanted: [[1, 3]] });
    say('b', 1001, { wanted: [[1, 3]] });
    say('c', 1002, { wanted: [[1, 3]] });
    told.length = 0;
    say('a', 1003, { sequence: 2, epoch, held: 0 });
    assert.deepEqual(told.toSorted(), ['b', 'c']);
    // Two of the three free ones: the third waits for one of them to ask.
    assert.equal(say('b', 1004, { sequence: 2, epoch, held: 0, wanted: [[1, 3]] }).got, 2);
  });

  test('C1 heavy calls go one after the other; none waits for what each holds a part of', () =>
    underFakeClock(async (clock) => {
      const one = memoryStore();
      const counts = { running: 0, most: 0 };
      const runs = [one, memoryStore({ sharedWith: one })].map((store) =>
        new Orchestrator({ concurrency: { limit: 4, store, name: 'api', weight: (weight: number) => weight } }).wrap(
          async (weight: number) => {
            counts.running += weight;
            counts.most = Math.max(counts.most, counts.running);
            await new Promise((resolve) => setTimeout(resolve, 5));
            counts.running -= weight;
          },
        ),
      );
      const calls = Promise.all(Array.from({ length: 24 }, (_, nth) => runs[nth % 2]?.((nth % 4) + 1)));
      await advance(clock, 400);
      await calls;
      assert.ok(counts.most <= 4, `${counts.most}`);
    }));
});

describe('a pause of all keys', () => {
  /** A limit of two processes, and what one can do to the place where it is kept. */
  function sharing(isKeyed = true) {
    const memory = new Memory();
    const options = {
      timeout: 500,
      whenDown: 'wait',
      lease: 10_000,
      processes: undefined,
      onEvent: undefined,
    } as const;
    const network = new SlowBackend(memory);
    const stores = [network, new MemoryBackend(memory)].map((backend) => new StoreOn(backend, options));
    const config = { rate: 100, per: 1000, name: 'api', ...(isKeyed && { key: (key: string) => key }) };
    const members = stores.map((store) => {
      const limiter = new RateLimiter({ ...config, store: store as unknown as Store } as RateLimitConfig);
      const starts: string[] = [];
      const run = new Orchestrator({ rateLimit: limiter }).wrap(async (key: string) => void starts.push(key));
      return { store, limiter, starts, run };
    });
    return { memory, network, members: members as [(typeof members)[0], (typeof members)[0]] };
  }

  test('that was asked for while the store was down is told once it is back, and what is over by then ends nothing', () =>
    underFakeClock(async (clock) => {
      const { memory, members } = sharing();
      const [one, two] = members;
      await Promise.all([one.run('a'), two.run('a')]);
      await advance(clock, 10);
      memory.failure = new Error('away');
      void one.run('a');
      await advance(clock, 10);
      one.limiter.pause(60_000);
      one.limiter.pause(100);
      await advance(clock, 5000);
      assert.deepEqual(two.starts, ['a']);
      memory.failure = undefined;
      await advance(clock, 2000);
      void two.run('b');
      await advance(clock, 10_000);
      assert.deepEqual([one.starts, two.starts], [['a'], ['a']]);
      await advance(clock, 45_000);
      assert.deepEqual(
        [one.starts, two.starts],
        [
          ['a', 'a'],
          ['a', 'b'],
        ],
      );
    }));

  test('that was asked for right before its store is closed is told', () =>
    underFakeClock(async (clock) => {
      const [one, two] = sharing().members;
      await two.run('a');
      await advance(clock, 10);
      one.limiter.pause(60_000);
      await one.store.close();
      void two.run('a');
      await advance(clock, 1000);
      assert.deepEqual(two.starts, ['a']);
      two.limiter.resume();
      await advance(clock, 10);
      assert.deepEqual(two.starts, ['a', 'a']);
    }));

  test('ended, ends those of keys that only other processes know', () =>
    underFakeClock(async (clock) => {
      const [one, two] = sharing().members;
      await one.run('a');
      const fail = new Orchestrator({ rateLimit: { limiter: two.limiter, pauseFor: () => 30_000 } }).wrap(
        async (_key: string) => {
          throw new Error('429');
        },
      );
      await fail('b').catch(() => {});
      void two.run('b');
      await advance(clock, 1000);
      assert.deepEqual(two.starts, []);
      one.limiter.resume();
      await advance(clock, 10);
      assert.deepEqual(two.starts, ['b']);
    }));

  test('that is told of when it is over, as a message came late, holds nobody', () =>
    underFakeClock(async (clock) => {
      for (const isKeyed of [false, true]) {
        const { members, network } = sharing(isKeyed);
        const [one, two] = members;
        await Promise.all([one.run('a'), two.run('a')]);
        await advance(clock, 10);
        network.delay = 3000;
        one.limiter.pause(2000);
        await advance(clock, 3100);
        network.delay = 0;
        void two.run('a');
        await advance(clock, 10);
        assert.equal(two.starts.length, 2);
        one.limiter.pause(2000);
        await advance(clock, 3000);
        void two.run('a');
        await advance(clock, 10);
        assert.equal(two.starts.length, 3);
      }
    }));

  for (const isWaiting of [true, false]) {
    test(`ended elsewhere is noticed though nobody is told of it any more, by one who ${isWaiting ? 'waits' : 'comes'}`, () =>
      underFakeClock(async (clock) => {
        for (const isKeyed of [false, true]) {
          const { memory, members } = sharing(isKeyed);
          const [one, two] = members;
          await Promise.all([one.run('a'), two.run('a')]);
          await advance(clock, 2000);
          await Promise.all([one.run('a'), two.run('a')]);
          one.limiter.pause(Number.POSITIVE_INFINITY);
          await advance(clock, 10);
          if (isWaiting) void two.run('a');
          await advance(clock, 10);
          const all = [...memory.hints.values()];
          memory.hints.clear();
          for (const each of all) each.ended();
          one.limiter.resume();
          await advance(clock, 10);
          if (!isWaiting) void two.run('a');
          await advance(clock, 1500);
          assert.equal(two.starts.length, 3);
        }
      }));
  }
});

describe('a call that has its slot, and waits for its permit', () => {
  for (const whenDown of ['wait', 'local'] as const) {
    for (const onLost of ['abort', 'continue'] as const) {
      test(`C6 while the store is away for longer than the lease, by '${whenDown}' and onLost: '${onLost}'`, () =>
        underFakeClock(async (clock) => {
          const memory = new Memory();
          const options = { timeout: 500, whenDown, lease: 1000, processes: undefined, onEvent: undefined };
          const store = new StoreOn(new MemoryBackend(memory), options) as unknown as Store;
          const entered: number[] = [];
          class Api {
            @rateLimit({ rate: 1, per: 20_000, store, name: 'api' })
            @concurrency({ limit: 5, store, name: 'api', onLost })
            async get(id: number): Promise<void> {
              entered.push(id);
            }
          }
          const api = new Api();
          await api.get(1);
          let outcome: unknown = 'waits';
          void api.get(2).then(
            () => {
              outcome = 'done';
            },
            (error) => {
              outcome = error;
            },
          );
          await advance(clock, 100);
          memory.failure = new Error('away');
          await advance(clock, 3000);
          // Nothing of it has run: it waits on, for another slot.
          assert.equal(outcome, 'waits');
          assert.deepEqual(entered, [1]);
          assert.deepEqual([statsOf(Api, 'get').attempts, statsOf(Api, 'get').queued], [1, 1]);
          void api.get(3);
          memory.failure = undefined;
          await advance(clock, 50_000);
          assert.equal(outcome, 'done');
          assert.deepEqual(entered, [1, 2, 3]);
          const { attempts, queued, running } = statsOf(Api, 'get');
          assert.deepEqual([attempts, queued, running], [3, 0, 0]);
        }));
    }
  }
});
