import { strict as assert } from 'node:assert';
import { describe, test } from 'node:test';
import { type HookContext, Orchestrator, retry } from 'opero';
import { rejection } from '../support/rejection.js';

const fast = { maxAttempts: 2, waitMin: 0 } as const;

describe('X7 onRetry', () => {
  test('has the receiver as `this`, and the method, the arguments and the signal in its event', async () => {
    const seen: unknown[] = [];
    class Weather {
      @retry({
        ...fast,
        onRetry(this: Weather, event) {
          seen.push(this, event);
        },
      })
      async forecast(_city: string, _signal?: AbortSignal): Promise<void> {
        throw new Error('no');
      }
    }
    const weather = new Weather();
    const { signal } = new AbortController();
    const error = await rejection(weather.forecast('Davos', signal));
    const event = { method: 'Weather.forecast', args: ['Davos', signal], attempt: 1, signal, error, delay: 0 };
    assert.equal(seen[0], weather);
    assert.deepEqual({ ...(seen[1] as object) }, event);
  });

  test('is told the name of the function in an Orchestrator, and has no receiver', async () => {
    const seen: unknown[] = [];
    const orchestrator = new Orchestrator({
      retry: {
        ...fast,
        onRetry: function (this: unknown, { method, args }: HookContext) {
          seen.push(this, method, args);
        },
      },
    });
    const fetchUser = async (_id: number) => {
      throw new Error('no');
    };
    await rejection(orchestrator.execute(fetchUser, 42));
    await rejection(orchestrator.execute(async () => Promise.reject(new Error('no'))));
    assert.deepEqual(seen, [undefined, 'fetchUser', [42], undefined, 'Orchestrator', []]);
  });
});
