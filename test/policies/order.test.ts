import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { concurrency, explain, policiesOf, rateLimit, retry } from 'opero';
import { deferred } from '../support/deferred.js';

const kindsOf = (type: object, method: string): string[] => policiesOf(type, method).map(({ kind }) => kind);

describe('of the two limits', () => {
  test('the one with a key or of an instance is taken first, whichever it is', () => {
    class Api {
      @rateLimit(5)
      @concurrency(3)
      async alike(): Promise<void> {}

      @rateLimit({ rate: 5, key: () => 'a' })
      @concurrency({ limit: 3, scope: 'instance' })
      async bothNarrow(): Promise<void> {}

      @rateLimit(5)
      @concurrency({ limit: 3, key: () => 'a' })
      async slotsByKey(): Promise<void> {}

      @retry()
      @rateLimit(5)
      @concurrency({ limit: 3, scope: 'instance' })
      async slotsOfInstance(): Promise<void> {}

      @concurrency(3)
      @rateLimit({ rate: 5, key: () => 'a' })
      async permitsByKey(): Promise<void> {}
    }
    assert.deepEqual(kindsOf(Api, 'alike'), ['rateLimit', 'concurrency']);
    assert.deepEqual(kindsOf(Api, 'bothNarrow'), ['rateLimit', 'concurrency']);
    assert.deepEqual(kindsOf(Api, 'slotsByKey'), ['concurrency', 'rateLimit']);
    assert.deepEqual(kindsOf(Api, 'slotsOfInstance'), ['retry', 'concurrency', 'rateLimit']);
    assert.deepEqual(kindsOf(Api, 'permitsByKey'), ['rateLimit', 'concurrency']);
    assert.match(explain(Api), /slotsByKey\(\): concurrency > rateLimit > the method/);
  });

  test('nobody holds a permit that all need while it waits for a slot of its own', async () => {
    const gate = deferred();
    const started: string[] = [];
    class Api {
      @rateLimit({ rate: 2, per: 3_600_000 })
      @concurrency({ limit: 1, key: (tenant: string) => tenant })
      async get(tenant: string, id: number, _signal?: AbortSignal): Promise<void> {
        started.push(`${tenant}${id}`);
        if (tenant === 'busy') await gate.promise;
      }
    }
    const api = new Api();
    const stop = new AbortController();
    const busy = api.get('busy', 1);
    const waiting = Array.from({ length: 5 }, (_, id) => api.get('busy', id + 2, stop.signal));
    await api.get('quiet', 1);
    assert.deepEqual(started, ['busy1', 'quiet1']);
    stop.abort('enough');
    for (const each of waiting) await assert.rejects(each, (reason) => reason === 'enough');
    gate.resolve();
    await busy;
  });
});
