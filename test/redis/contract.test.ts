import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import {
  ConfigurationError,
  concurrency,
  currentCall,
  type RateLimitConfig,
  RateLimiter,
  type RejectedError,
  rateLimit,
  type Store,
  StoreError,
} from 'opero';
import { deferred } from '../support/deferred.js';
import { rejection } from '../support/rejection.js';
import { assertWindows } from '../support/starts.js';
import { type Place, places } from './support/backends.js';

const sorted = (times: readonly number[]): number[] => times.toSorted((one, other) => one - other);

/** A method whose limit is in a store, as one process has it. */
function limited(store: Store, name: string, config: Partial<RateLimitConfig<[id?: number, ...unknown[]]>> = {}) {
  const starts: number[] = [];
  const order: unknown[] = [];
  class Api {
    @rateLimit({ rate: 20, per: 200, ...config, store, name })
    async get(id?: number, _options?: unknown): Promise<number> {
      starts.push(performance.now());
      order.push(id);
      return starts.length;
    }
  }
  return { api: new Api(), starts, order };
}

/** A method whose slots are in a store. Each call runs until it is told to end. */
function slotted(store: Store, name: string, limit: number, seen: { running: number; most: number }) {
  const ends: (() => void)[] = [];
  class Api {
    @concurrency({ limit, store, name })
    async hold(_options?: unknown): Promise<number | undefined> {
      const { fence } = currentCall();
      seen.most = Math.max(seen.most, ++seen.running);
      const end = deferred();
      ends.push(end.resolve);
      begun();
      await end.promise;
      seen.running--;
      return fence;
    }
  }
  let begun: () => void = () => {};
  /** Waits until so many have begun, of which none has ended. */
  const has = (count: number): Promise<void> =>
    new Promise((resolve) => {
      begun = () => {
        if (ends.length >= count) resolve();
      };
      begun();
    });
  return { api: new Api(), ends, has };
}

describe('limits in', { concurrency: 3 }, () => {
  for (const { name: title, skip, open } of places) {
    describe(title, { skip, concurrency: 1 }, () => {
      let place: Place;
      before(async () => {
        place = await open();
      });
      after(() => place?.close());

      test('R1 R3 no window holds more than the rate over all processes, each in order of arrival', async () => {
        const name = place.name();
        const stores = [await place.store(), await place.store()];
        const members = stores.map((store) => limited(store, name));
        await Promise.all(Array.from({ length: 60 }, (_, id) => members[id % 2]?.api.get(id)));
        assertWindows(sorted(members.flatMap(({ starts }) => starts)), 20, 200);
        for (const { order } of members)
          assert.deepEqual(
            order,
            order.toSorted((one, other) => Number(one) - Number(other)),
          );
        for (const store of stores) await store.close();
      });

      test('R8 an abort in line hands its permit on; nobody else is delayed', async () => {
        const store = await place.store();
        const { api, starts, order } = limited(store, place.name(), { rate: 5, per: 300 });
        const controller = new AbortController();
        const calls = Array.from({ length: 10 }, (_, id) =>
          api.get(id, id >= 5 && id < 8 ? { signal: controller.signal } : undefined).catch((error) => error),
        );
        await calls[4];
        controller.abort(new Error('enough'));
        const outcomes = await Promise.all(calls);
        assert.equal(outcomes.filter((each) => each instanceof Error).length, 3);
        assert.deepEqual(order, [0, 1, 2, 3, 4, 8, 9]);
        assertWindows(starts, 5, 300);
        await store.close();
      });

      test('R11 maxWait: 0, one answer decides', async () => {
        const name = place.name();
        const one = limited(await place.store(), name, { rate: 3, per: 60_000, maxWait: 0 });
        const two = limited(await place.store(), name, { rate: 3, per: 60_000, maxWait: 0 });
        await one.api.get();
        const outcomes = await Promise.allSettled([0, 1, 2, 3].map((id) => two.api.get(id)));
        assert.deepEqual(
          outcomes.map(({ status }) => status),
          ['fulfilled', 'fulfilled', 'rejected', 'rejected'],
        );
        const { reason } = (await rejection(one.api.get())) as RejectedError;
        assert.equal(reason, 'wait-timeout');
      });

      test('R11 maxQueue counts those who wait in this process, not those who have no answer yet', async () => {
        const store = await place.store();
        const { api } = limited(store, place.name(), { rate: 3, per: 60_000, maxQueue: 1 });
        const calls = Array.from({ length: 6 }, (_, id) => api.get(id).catch((error) => error));
        const [fourth, fifth, sixth] = calls.slice(3) as Promise<unknown>[];
        assert.deepEqual(await Promise.all(calls.slice(0, 3)), [1, 2, 3]);
        for (const each of [fifth, sixth]) assert.equal(((await each) as RejectedError).reason, 'queue-full');
        await store.close();
        assert.ok((await fourth) instanceof StoreError);
      });

      test('R11 a call takes as many permits as it weighs, in order', async () => {
        const name = place.name();
        const config = { rate: 10, per: 300, weight: (id?: number) => id ?? 1 };
        const members = [limited(await place.store(), name, config), limited(await place.store(), name, config)];
        await Promise.all(Array.from({ length: 10 }, (_, nth) => members[nth % 2]?.api.get(4)));
        // Two of four fit.
        assertWindows(sorted(members.flatMap(({ starts }) => starts)), 2, 300);
      });

      test('R11 a fraction is one in a longer window; spread spaces the starts', async () => {
        const names = [place.name(), place.name()];
        const stores = [await place.store(), await place.store()];
        const slow = stores.map((store) => limited(store, names[0] as string, { rate: 2.5, per: 200 }));
        const spread = stores.map((store) => limited(store, names[1] as string, { rate: 20, per: 1000, spread: true }));
        await Promise.all([...slow, ...spread].flatMap(({ api }) => [0, 1, 2].map((id) => api.get(id))));
        assertWindows(sorted(slow.flatMap(({ starts }) => starts)), 3, 240);
        assertWindows(sorted(spread.flatMap(({ starts }) => starts)), 1, 50);
        for (const store of stores) await store.close();
      });

      test('a key has a limit of its own; a name that is strange too', async () => {
        const store = await place.store();
        const key = (id?: number) => `{${id}}:ü %`;
        const { api, starts } = limited(store, `${place.name()} {x}:y`, { rate: 1, per: 60_000, key });
        await Promise.all([1, 2, 3].map((id) => api.get(id)));
        assert.equal(starts.length, 3);
        const waits = [rejection(api.get(1)), rejection(api.get(2))];
        await store.close();
        for (const each of waits) assert.ok((await each) instanceof StoreError);
      });

      test('a pause holds for all processes', async () => {
        const config = { rate: 100, store: await place.store(), name: place.name() };
        const limiter = new RateLimiter(config);
        const other = limited(await place.store(), config.name, { rate: 100, per: 1000 });
        class Api {
          @rateLimit(limiter) async get(): Promise<void> {}
        }
        await new Api().get();
        await other.api.get();
        const began = performance.now();
        limiter.pause(300);
        // Told in the same command as this one asks.
        const own = new Api().get();
        const foreign = config.store && limited(await place.store(), config.name, { rate: 100, per: 1000 });
        await own;
        assert.ok(performance.now() - began >= 300);
        limiter.pause(60_000);
        // The pause is there with what is asked next at the latest.
        await new Promise((resolve) => setTimeout(resolve, 50));
        const waits = foreign.api.get();
        await new Promise((resolve) => setTimeout(resolve, 50));
        assert.equal(foreign.starts.length, 0);
        limiter.resume();
        await waits;
        await config.store.close();
      });

      test('a pause by hand holds for every key, in processes and for keys that come later too, until it is ended', async () => {
        const name = place.name();
        const config = { rate: 10_000, per: 1000, key: (id?: number) => `${id}`, maxWait: 0 };
        let told: () => void = () => {};
        const trip = (): Promise<void> => new Promise((resolve) => (told = resolve));
        const store = await place.store({ onEvent: ({ type }) => void (type === 'trip' && told()) });
        const limiter = new RateLimiter({ ...config, store, name } as RateLimitConfig);
        const member = limited(await place.store(), name, config);
        await member.api.get(1);
        /** One answer decides: it goes on, or is turned away. */
        const mayStart = async ({ api }: typeof member, id: number): Promise<boolean> => {
          const error = await api.get(id).then(
            () => undefined,
            (reason: RejectedError) => reason,
          );
          assert.ok(error === undefined || error.reason === 'wait-timeout', `${error}`);
          return error === undefined;
        };
        const told1 = trip();
        limiter.pause(60_000);
        await told1;
        const shorter = trip();
        limiter.pause(10);
        await shorter;
        const late = limited(await place.store(), name, config);
        assert.equal(await mayStart(late, 2), false);
        assert.equal(await mayStart(late, 3), false);
        // Where nobody tells of it, it is looked at each second.
        while (await mayStart(member, 1));
        assert.equal(await mayStart(member, 4), false);
        limiter.resume();
        while (!(await mayStart(late, 3)));
        while (!(await mayStart(member, 4)));
        assert.equal(await mayStart(limited(await place.store(), name, config), 5), true);
      });

      test('who waits for a key goes on when the pause of all is over, and when it is ended', async () => {
        const name = place.name();
        const config = { rate: 100, per: 1000, key: (id?: number) => `${id}` };
        let told: () => void = () => {};
        const trip = new Promise<void>((resolve) => (told = resolve));
        const store = await place.store({ onEvent: ({ type }) => void (type === 'trip' && told()) });
        const limiter = new RateLimiter({ ...config, store, name } as RateLimitConfig);
        const began = performance.now();
        limiter.pause(300);
        await trip;
        const other = limited(await place.store(), name, config);
        await Promise.all([1, 2].map((id) => other.api.get(id)));
        assert.ok(other.starts.every((start) => start - began >= 300));
        limiter.pause(60_000);
        const third = limited(
          await place.store({ onEvent: ({ type }) => void (type === 'trip' && told()) }),
          name,
          config,
        );
        const looked = new Promise<void>((resolve) => (told = resolve));
        const waiting = [third.api.get(3), third.api.get(4)];
        await looked;
        limiter.resume();
        await Promise.all(waiting);
      });

      test('C1 C8 at most the limit runs over all processes, and all get their turn', async () => {
        const seen = { running: 0, most: 0 };
        const name = place.name();
        const stores = [await place.store({ lease: 6000 }), await place.store({ lease: 6000 })];
        const apis = stores.map((store) => {
          class Api {
            @concurrency({ limit: 3, store, name }) async hold(): Promise<void> {
              seen.most = Math.max(seen.most, ++seen.running);
              await new Promise((resolve) => setTimeout(resolve, 2));
              seen.running--;
            }
          }
          return new Api();
        });
        await Promise.all(Array.from({ length: 40 }, (_, nth) => apis[nth % 2]?.hold()));
        assert.equal(seen.most, 3);
        for (const store of stores) await store.close();
      });

      test('C7 the fence grows with each registration', async () => {
        const seen = { running: 0, most: 0 };
        const name = place.name();
        let before = 0;
        for (let n = 0; n < 3; n++) {
          const store = await place.store();
          const { api, ends, has } = slotted(store, name, 1, seen);
          const call = api.hold();
          await has(1);
          ends[0]?.();
          const fence = (await call) as number;
          assert.ok(fence > before);
          before = fence;
          await store.close();
        }
      });

      test('C9 close gives back what is held; who waits and who comes later rejects with a StoreError', async () => {
        const seen = { running: 0, most: 0 };
        const name = place.name();
        const [one, two] = [await place.store({ lease: 60_000 }), await place.store({ lease: 6000 })];
        const first = slotted(one, name, 1, seen);
        const second = slotted(two, name, 1, seen);
        const held = rejection(first.api.hold());
        await first.has(1);
        const waiting = rejection(first.api.hold());
        const other = second.api.hold();
        await one.close();
        assert.ok((await waiting) instanceof StoreError);
        assert.ok((await rejection(first.api.hold())) instanceof StoreError);
        assert.equal(((await held) as Error).name, 'LeaseLostError');
        await second.has(1);
        second.ends[0]?.();
        await other;
        await two.close();
      });

      test('R12 of a method with both in a store the slot is taken first', async () => {
        const store = await place.store();
        const name = place.name();
        const starts: number[] = [];
        const ends: (() => void)[] = [];
        class Api {
          @rateLimit({ rate: 100, per: 60_000, store, name })
          @concurrency({ limit: 1, store, name })
          async get(): Promise<void> {
            starts.push(performance.now());
            const end = deferred();
            ends.push(end.resolve);
            await end.promise;
          }
        }
        const limiter = new RateLimiter({ rate: 100, per: 60_000, store, name });
        const api = new Api();
        const calls = [api.get(), api.get(), api.get()];
        while (starts.length === 0) await new Promise((resolve) => setTimeout(resolve, 1));
        // The two that wait for a slot have no permit.
        assert.equal(limiter.used, 1);
        for (let nth = 0; nth < 3; nth++) {
          while (ends.length <= nth) await new Promise((resolve) => setTimeout(resolve, 1));
          ends[nth]?.();
        }
        await Promise.all(calls);
        await store.close();
      });

      test('a name known by other options is a ConfigurationError', async () => {
        const store = await place.store();
        const name = place.name();
        limited(store, name, { rate: 5 });
        assert.throws(() => limited(store, name, { rate: 6 }), ConfigurationError);
      });

      test('every key ends', async (t) => {
        if (place.timesToLive === undefined) return t.skip('none is to be seen');
        for (const left of await place.timesToLive()) assert.ok(left > 0, `${left}`);
      });

      test('C5 after data were lost granting waits until holders have said what they hold', async (t) => {
        if (place.flush === undefined) return t.skip('nothing is lost');
        const seen = { running: 0, most: 0 };
        const name = place.name();
        const [one, two] = [await place.store({ lease: 6000 }), await place.store({ lease: 6000 })];
        const holder = slotted(one, name, 2, seen);
        const other = slotted(two, name, 2, seen);
        const calls = [holder.api.hold(), holder.api.hold()];
        await holder.has(2);
        const known = other.api.hold();
        // It is known, and so is heard of after data were lost.
        await new Promise((resolve) => setTimeout(resolve, 50));
        await place.flush();
        await new Promise((resolve) => setTimeout(resolve, 500));
        assert.equal(seen.most, 2);
        for (const end of holder.ends) end();
        await Promise.all(calls);
        await other.has(1);
        other.ends[0]?.();
        await known;
        for (const store of [one, two]) await store.close();
      });
    });
  }
});
