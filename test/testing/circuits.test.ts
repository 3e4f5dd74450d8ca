import { strict as assert } from 'node:assert';
import { describe, test } from 'node:test';
import { circuitBreaker, circuitOf, retry, statsOf } from 'opero';
import { failTimes, resetState, withoutWaits as skipWaits } from 'opero/testing';
import type {} from '../../src/index.js';
import { Circuit } from '../../src/policies/circuit.js';
import type { Refusal } from '../../src/policies/circuit-refusal.js';
import { withoutWaits } from '../../src/testing/index.js';

const isRefusal = (admitted: number | Refusal): admitted is Refusal => typeof admitted !== 'number';

/** A circuit that a failure has opened. */
function opened(halfOpenAfter: number): Circuit<undefined> {
  const circuit = new Circuit<undefined>(
    { consecutive: 1, halfOpenAfter: () => halfOpenAfter, halfOpenCalls: 1 },
    { text: 'a circuit' },
  );
  circuit.fail(circuit.admit(undefined) as number, new Error('down'), undefined);
  return circuit;
}

describe('11 withoutWaits: circuits', () => {
  test('are half-open at once', () => {
    using _ = withoutWaits();
    const circuit = opened(60_000);
    assert.equal(circuit.state, 'half-open');
    const probe = circuit.admit(undefined);
    assert.ok(!isRefusal(probe));
    assert.ok(isRefusal(circuit.admit(undefined)));
    circuit.succeed(probe, undefined);
    assert.equal(circuit.state, 'closed');
  });

  test('that stay open for ever do', () => {
    using _ = withoutWaits();
    assert.equal(opened(Number.POSITIVE_INFINITY).state, 'open');
  });

  test('of a method let its calls come as probes, and failures be counted', async () => {
    class Api {
      @retry({ maxAttempts: 6, waitMin: 60_000 })
      @circuitBreaker({ consecutive: 2, halfOpenAfter: 3_600_000 })
      async get(): Promise<string> {
        return 'got';
      }
    }
    using _ = skipWaits();
    failTimes(Api, 'get', 5, new Error('down'));
    assert.equal(await new Api().get(), 'got');
    assert.equal(circuitOf(Api, 'get').state, 'closed');
    const { attempts, rejected, circuitOpenings } = statsOf(Api, 'get');
    assert.deepEqual([attempts, rejected, circuitOpenings], [6, 0, 4]);
  });

  test('are as new after resetState', async () => {
    class Api {
      @circuitBreaker({ consecutive: 1, halfOpenAfter: 3_600_000 })
      async get(): Promise<void> {}
    }
    failTimes(Api, 'get', 1, new Error('down'));
    await assert.rejects(new Api().get(), { message: 'down' });
    await assert.rejects(new Api().get(), { name: 'CircuitOpenError' });
    resetState(Api);
    await new Api().get();
    assert.equal(circuitOf(Api, 'get').state, 'closed');
  });

  test('wait again afterwards', () => {
    withoutWaits().restore();
    assert.equal(opened(60_000).state, 'open');
  });
});
