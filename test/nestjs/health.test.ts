import { strict as assert } from 'node:assert';
import { afterEach, describe, test } from 'node:test';
import { CircuitBreaker, ConfigurationError, circuitBreaker, circuitOf, Orchestrator, rateLimit } from 'opero';
import { OperoHealthIndicator } from 'opero/nestjs';
import { redisStore } from 'opero/redis';
import { resetState } from 'opero/testing';
import { underFakeClock } from '../support/clock.js';

const indicator = new OperoHealthIndicator();
const openNow = (): unknown => indicator.isHealthy('opero').opero.openCircuits;

const backend = new CircuitBreaker(1);

/** Each method fails. */
class Api {
  @circuitBreaker({ consecutive: 1, halfOpenAfter: 50 })
  async one(): Promise<void> {
    throw new Error('down');
  }

  @circuitBreaker({ consecutive: 1, key: (host: string) => host })
  async byKey(_host: string): Promise<void> {
    throw new Error('down');
  }

  @circuitBreaker({ consecutive: 1, scope: 'instance' })
  async own(): Promise<void> {
    throw new Error('down');
  }

  @circuitBreaker(backend)
  async shared(): Promise<void> {
    throw new Error('down');
  }

  @circuitBreaker(backend)
  async sharedToo(): Promise<void> {
    throw new Error('down');
  }
}

describe('the health of circuits', () => {
  afterEach(() => {
    resetState();
    assert.deepEqual(openNow(), []);
  });

  test('is up while all are closed', () => {
    new Api();
    assert.deepEqual(indicator.isHealthy('circuits'), { circuits: { status: 'up', openCircuits: [] } });
  });

  test('is down while one is open, and up when it may be probed', () =>
    underFakeClock(async (clock) => {
      await assert.rejects(new Api().one());
      const openCircuits = [{ method: 'Api.one', open: 1, isolated: 0 }];
      assert.deepEqual(indicator.isHealthy('circuits'), { circuits: { status: 'down', openCircuits } });
      clock.tick(49);
      assert.equal(indicator.isHealthy('circuits').circuits.status, 'down');
      clock.tick(1);
      assert.deepEqual(indicator.isHealthy('circuits'), { circuits: { status: 'up', openCircuits: [] } });
    }));

  test('is what is asked for while one is open, and up otherwise', async () => {
    for (const openCircuits of ['degraded', 'up'] as const) {
      assert.equal(indicator.isHealthy('opero', { openCircuits }).opero.status, 'up');
    }
    await assert.rejects(new Api().one());
    for (const openCircuits of ['degraded', 'up', 'down'] as const) {
      assert.equal(indicator.isHealthy('opero', { openCircuits }).opero.status, openCircuits);
    }
  });

  test('counts the circuits of keys, of instances, and those isolated by hand', async () => {
    const [api, other, third] = [new Api(), new Api(), new Api()];
    for (const host of ['a', 'b']) await assert.rejects(api.byKey(host));
    for (const each of [api, other]) await assert.rejects(each.own());
    const { [Symbol.dispose]: end } = circuitOf(third, 'own').isolate();
    assert.deepEqual(openNow(), [
      { method: 'Api.byKey', open: 2, isolated: 0 },
      { method: 'Api.own', open: 2, isolated: 1 },
    ]);
    end();
    circuitOf(other, 'own').reset();
    circuitOf(Api, 'byKey', 'a').reset();
    assert.deepEqual(openNow(), [
      { method: 'Api.byKey', open: 1, isolated: 0 },
      { method: 'Api.own', open: 1, isolated: 0 },
    ]);
  });

  test('names every method of a circuit that several share', async () => {
    await assert.rejects(new Api().shared());
    assert.deepEqual(openNow(), [
      { method: 'Api.shared', open: 1, isolated: 0 },
      { method: 'Api.sharedToo', open: 1, isolated: 0 },
    ]);
  });

  test('counts those of an Orchestrator', async () => {
    const orchestrator = new Orchestrator({ circuitBreaker: 1 });
    await assert.rejects(orchestrator.execute(async () => Promise.reject(new Error('down'))));
    assert.deepEqual(openNow(), [{ method: 'Orchestrator', open: 1, isolated: 0 }]);
  });

  test('refuses an option that is wrong', () => {
    assert.throws(() => indicator.isHealthy('opero', { openCircuits: 'sick' as 'up' }), ConfigurationError);
    assert.throws(() => indicator.isHealthy('opero', { closed: 'up' } as never), ConfigurationError);
  });
});

describe('the health of stores', () => {
  const send = async (): Promise<never> => {
    throw new Error('no connection');
  };

  test('lists those that are down, which count as circuits do unless something else is asked for', async (t) => {
    const store = redisStore({ send });
    t.after(() => store.close());
    class Crm {
      @rateLimit({ rate: 1000, store, name: 'crm-api', key: (name: string) => name }) async sync(_name: string) {}
    }
    assert.equal('downStores' in indicator.isHealthy('opero', { downStores: 'down' }).opero, false);
    await new Crm().sync('north');
    const { status, downStores = [] } = indicator.isHealthy('opero').opero;
    assert.equal(status, 'down');
    const [{ downFor, ...rest }] = downStores as [(typeof downStores)[number]];
    assert.deepEqual(rest, { store: 'redisStore', limit: 'crm-api' });
    assert.ok(Number.isInteger(downFor) && downFor >= 0, String(downFor));
    for (const wanted of ['degraded', 'down', 'up'] as const) {
      assert.equal(indicator.isHealthy('opero', { downStores: wanted }).opero.status, wanted);
      assert.equal(indicator.isHealthy('opero', { openCircuits: wanted }).opero.status, wanted);
    }
    assert.equal(indicator.isHealthy('opero', { downStores: 'degraded', openCircuits: 'up' }).opero.status, 'degraded');
    await assert.rejects(new Api().one());
    assert.equal(indicator.isHealthy('opero', { downStores: 'degraded' }).opero.status, 'down');
    resetState();
    await store.close();
    assert.equal('downStores' in indicator.isHealthy('opero').opero, false);
  });

  test('refuses an option that is wrong', () => {
    assert.throws(() => indicator.isHealthy('opero', { downStores: 'sick' as 'up' }), ConfigurationError);
  });
});
