import { strict as assert } from 'node:assert';
import { describe, test } from 'node:test';
import { cache, concurrency, definePolicy, drain, hedge, retry, singleFlight, timeout } from 'opero';
import { advance, flush, underFakeClock } from '../support/clock.js';
import { runProgram } from '../support/run-program.js';
import { Work } from '../support/work.js';

class Api {
  readonly work = new Work();
  @concurrency(1)
  async get(name: string, _options?: { signal?: AbortSignal }): Promise<unknown> {
    return this.work.begin(name);
  }
  @retry({ maxAttempts: 2, waitMin: 100, jitter: 'none' })
  async retried(): Promise<string> {
    if (this.work.begun.length === 0) {
      this.work.begun.push('once');
      throw new Error('once');
    }
    return 'sun';
  }
  @timeout(10)
  async slow(): Promise<unknown> {
    return this.work.begin('slow');
  }
  @cache(1000)
  @hedge({ delay: 0 })
  async cached(id: number): Promise<number> {
    return id;
  }
}

const passing = definePolicy({ kind: 'passing', stage: 'call', around: (next) => next() });

/** Each has its calls run beneath a policy that lets their callers go at once. */
class Shared {
  readonly work = new Work();

  begin(): Promise<unknown> {
    return this.work.begin(`run ${this.work.begun.length}`);
  }
  @timeout(1000)
  async timed(_signal: AbortSignal): Promise<unknown> {
    return this.begin();
  }
  @retry(3)
  @timeout({ total: 1000 })
  async total(_signal: AbortSignal): Promise<unknown> {
    return this.begin();
  }
  @hedge({ delay: 0, maxHedges: 2 })
  async hedged(_signal: AbortSignal): Promise<unknown> {
    return this.begin();
  }
  @singleFlight({ key: () => '' })
  async flown(_signal: AbortSignal): Promise<unknown> {
    return this.begin();
  }
  @cache({ ttl: 1000, key: () => '' })
  async kept(_signal: AbortSignal): Promise<unknown> {
    return this.begin();
  }
  @passing()
  @timeout(1000)
  async passed(_signal: AbortSignal): Promise<unknown> {
    return this.begin();
  }
  @passing()
  async bare(_signal: AbortSignal): Promise<unknown> {
    return this.begin();
  }
  @cache({ ttl: 10, staleWhileRevalidate: 1000, staleIfError: 1000 })
  async stale(): Promise<unknown> {
    return this.work.begin('stale');
  }
}

/** What a promise has come to by now. */
function stateOf<T>(promise: Promise<T>): { value?: T } {
  const state: { value?: T } = {};
  void promise.then((value) => {
    state.value = value;
  });
  return state;
}

describe('drain', () => {
  test('gives 0 at once where nothing is under way', async () => {
    assert.equal(await drain(), 0);
    assert.equal(await drain({ timeout: 0 }), 0);
  });

  test('waits for what runs, what waits in line, and what its ends begin', async () => {
    const api = new Api();
    const first = api.get('first').then(() => api.get('third'));
    const second = api.get('second');
    const drained = stateOf(drain());
    const other = stateOf(drain());
    for (const name of ['first', 'second', 'third']) {
      await flush();
      assert.deepEqual([drained, other], [{}, {}], name);
      api.work.end(name);
    }
    await Promise.all([first, second]);
    await flush();
    assert.deepEqual([drained, other], [{ value: 0 }, { value: 0 }]);
  });

  test('waits for a retry, and gives up after its time with the number that is left', async () => {
    await underFakeClock(async (clock) => {
      const api = new Api();
      const call = api.retried();
      await flush();
      const short = stateOf(drain({ timeout: 50 }));
      const long = stateOf(drain({ timeout: 500 }));
      assert.equal(await drain({ timeout: 0 }), 1);
      await advance(clock, 49);
      assert.deepEqual(short, {});
      await advance(clock, 1);
      assert.deepEqual([short, long], [{ value: 1 }, {}]);
      await advance(clock, 50);
      assert.equal(await call, 'sun');
      assert.deepEqual(long, { value: 0 });
      assert.equal(clock.countTimers(), 0);
    });
  });

  test('waits for the code of a call whose caller has left, and for no attempt that a timeout gave up', async () => {
    await underFakeClock(async (clock) => {
      const api = new Api();
      const { signal, abort } = withAbort();
      const left = api.get('left', { signal });
      const queued = api.get('queued', { signal });
      abort();
      await assert.rejects(left);
      await assert.rejects(queued);
      const drained = stateOf(drain());
      await flush();
      assert.deepEqual(drained, {});
      api.work.end('left');
      await flush();
      assert.deepEqual(drained, { value: 0 });
      const slow = assert.rejects(api.slow(), { name: 'TimeoutError' });
      await advance(clock, 10);
      await slow;
      assert.equal(await drain(), 0);
      api.work.endAll();
      await flush();
      assert.equal(await drain(), 0);
    });
  });

  for (const name of ['timed', 'total', 'hedged', 'flown', 'kept', 'passed', 'bare'] as const) {
    test(`waits for the code of a call whose caller has left, and counts it once: ${name}`, async () => {
      await underFakeClock(async (clock) => {
        const shared = new Shared();
        const [one, other] = [withAbort(), withAbort()];
        const calls = [shared[name](one.signal), shared[name](other.signal)];
        const drained = stateOf(drain());
        if (name === 'hedged') await advance(clock, 1);
        for (const { abort } of [one, other]) abort();
        for (const call of calls) await assert.rejects(call);
        // Of a run that two share, there is but one whose code goes on.
        const count = name === 'flown' || name === 'kept' ? 1 : 2;
        assert.equal(await drain({ timeout: 0 }), count);
        for (const run of shared.work.running) {
          await flush();
          assert.deepEqual(drained, {});
          shared.work.end(run);
        }
        await flush();
        assert.deepEqual(drained, { value: 0 });
        assert.equal(clock.countTimers(), 0);
      });
    });
  }

  for (const fails of [false, true]) {
    test(`waits for a run behind a stale value, which ${fails ? 'fails' : 'succeeds'}`, async () => {
      await underFakeClock(async (clock) => {
        const shared = new Shared();
        const first = shared.stale();
        shared.work.end('stale', 'sun');
        assert.equal(await first, 'sun');
        await advance(clock, 20);
        assert.equal(await shared.stale(), 'sun');
        const drained = stateOf(drain());
        await flush();
        assert.deepEqual(drained, {});
        assert.equal(await drain({ timeout: 0 }), 1);
        if (fails) shared.work.fail('stale', new Error('no answer'));
        else shared.work.end('stale', 'rain');
        await flush();
        assert.deepEqual(drained, { value: 0 });
      });
    });
  }

  test('holds no call whose caller has left, and counts it all the same', async () => {
    const program = await runProgram('left', { flags: ['--expose-gc'] });
    assert.deepEqual(program, { code: 0, stdout: 'gone 2\n', stderr: '' });
  });

  test('counts each call once, whatever it comes to', async () => {
    const api = new Api();
    await Promise.all([api.cached(1), api.cached(1), api.cached(2)]);
    await assert.rejects(api.get('none', { signal: AbortSignal.abort() }));
    assert.equal(await drain({ timeout: 0 }), 0);
  });

  test('rejects with what is wrong with its options', async () => {
    await assert.rejects(drain({ timeout: -1 }), {
      name: 'ConfigurationError',
      message: /drain\(\): expected `timeout`/,
    });
  });
});

function withAbort() {
  const controller = new AbortController();
  return { signal: controller.signal, abort: () => controller.abort() };
}
