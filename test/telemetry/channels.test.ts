import { strict as assert } from 'node:assert';
import { AsyncLocalStorage } from 'node:async_hooks';
import { subscribe, tracingChannel, unsubscribe } from 'node:diagnostics_channel';
import { describe, test } from 'node:test';
import { concurrency, fallback, hedge, type OperoEvent, retry } from 'opero';
import { flush } from '../support/clock.js';
import { Work } from '../support/work.js';

const failure = new Error('no weather');

describe('the raw channels', () => {
  for (const kind of ['call', 'attempt'] as const) {
    test(`tracing:opero:${kind} tells of beginning and end, by one object each`, async () => {
      class Weather {
        @retry(1)
        async forecast(city: string): Promise<string> {
          if (city === '') throw failure;
          return city;
        }
      }
      const heard: [string, unknown, object][] = [];
      const told = (name: string) => (event: unknown) => {
        const { outcome } = event as OperoEvent<'call'>;
        heard.push([name, outcome, event as object]);
      };
      const subscribers = {
        start: told('start'),
        end: told('end'),
        asyncStart: told('asyncStart'),
        asyncEnd: told('asyncEnd'),
        error: told('error'),
      };
      const channel = tracingChannel(`opero:${kind}`);
      channel.subscribe(subscribers);
      try {
        await new Weather().forecast('Davos');
        await assert.rejects(new Weather().forecast(''), failure);
      } finally {
        channel.unsubscribe(subscribers);
      }
      assert.deepEqual(
        heard.map(([name, outcome]) => [name, outcome]),
        [
          ['start', undefined],
          ['end', undefined],
          ['asyncStart', 'ok'],
          ['asyncEnd', 'ok'],
          ['start', undefined],
          ['end', undefined],
          ['error', 'error'],
          ['asyncStart', 'error'],
          ['asyncEnd', 'error'],
        ],
      );
      assert.equal(new Set(heard.map(([, , event]) => event)).size, 2);
    });
  }

  for (const part of ['start', 'end', 'asyncStart', 'asyncEnd', 'error'] as const) {
    test(`one who listens to ${part} alone hears it`, async () => {
      class Weather {
        @retry(1)
        async forecast(): Promise<void> {
          throw failure;
        }
      }
      const heard: string[] = [];
      const told = (event: unknown): number => heard.push((event as OperoEvent).type);
      const names = ['call', 'attempt'].map((kind) => `tracing:opero:${kind}:${part}`);
      for (const name of names) subscribe(name, told);
      await assert.rejects(new Weather().forecast(), failure);
      for (const name of names) unsubscribe(name, told);
      await assert.rejects(new Weather().forecast(), failure);
      assert.deepEqual(heard.sort(), ['attempt', 'call']);
    });
  }

  test('opero:retry and the others are channels of that name', async () => {
    class Weather {
      @retry({ maxAttempts: 2, waitMin: 0 })
      async forecast(): Promise<void> {
        throw failure;
      }
    }
    const heard: unknown[] = [];
    const told = (event: unknown, name: unknown): number => heard.push([name, (event as OperoEvent).type]);
    subscribe('opero:retry', told);
    await assert.rejects(new Weather().forecast(), failure);
    unsubscribe('opero:retry', told);
    assert.deepEqual(heard, [['opero:retry', 'retry']]);
  });

  test('what a subscriber throws is an uncaughtException, as Node has it; the call goes on', async (t) => {
    class Weather {
      @retry(1)
      async forecast(): Promise<string> {
        return 'sun';
      }
    }
    const throws = (): never => {
      throw failure;
    };
    const uncaught: unknown[] = [];
    const others = process.listeners('uncaughtException');
    process.removeAllListeners('uncaughtException');
    process.on('uncaughtException', (error) => uncaught.push(error));
    t.after(() => {
      process.removeAllListeners('uncaughtException');
      for (const each of others) process.on('uncaughtException', each);
    });
    subscribe('tracing:opero:call:start', throws);
    assert.equal(await new Weather().forecast(), 'sun');
    unsubscribe('tracing:opero:call:start', throws);
    await flush();
    assert.deepEqual(uncaught, [failure]);
  });
});

describe('a store bound to the start of', () => {
  const store = new AsyncLocalStorage<string>();

  test('calls holds in the method, after queueing, in retries and in fallbacks', async (t) => {
    const work = new Work();
    const seen: [string, string | undefined][] = [];
    class Weather {
      @retry({ maxAttempts: 2, waitMin: 0 })
      @concurrency(1)
      @fallback('cached')
      async forecast(city: string): Promise<unknown> {
        seen.push([city, store.getStore()]);
        await work.begin(city);
        seen.push([city, store.getStore()]);
        throw failure;
      }
      cached(city: string): string {
        seen.push([`cached ${city}`, store.getStore()]);
        return city;
      }
    }
    const { start } = tracingChannel('opero:call');
    let calls = 0;
    start.bindStore(store, () => `call ${++calls}`);
    t.after(() => start.unbindStore(store));
    const weather = new Weather();
    const both = [weather.forecast('Davos'), weather.forecast('Bern')];
    for (let round = 0; round < 8; round++) {
      await flush();
      work.endAll();
    }
    assert.deepEqual(await Promise.all(both), ['Davos', 'Bern']);
    assert.equal(store.getStore(), undefined);
    for (const [city, name] of [
      ['Davos', 'call 1'],
      ['Bern', 'call 2'],
    ]) {
      const own = seen.filter(([where]) => where === city);
      assert.deepEqual(own, Array(4).fill([city, name]));
      assert.deepEqual(
        seen.filter(([where]) => where === `cached ${city}`),
        [[`cached ${city}`, name]],
      );
    }
  });

  test('attempts holds in that attempt alone, hedges included', async (t) => {
    const seen: (string | undefined)[] = [];
    class Weather {
      runs = 0;
      @retry({ maxAttempts: 2, waitMin: 0 })
      @hedge({ delay: 0, maxHedges: 1 })
      async forecast(): Promise<unknown> {
        const nth = ++this.runs;
        await flush();
        seen.push(store.getStore());
        if (nth < 4) throw failure;
        return nth;
      }
    }
    const { start } = tracingChannel('opero:attempt');
    start.bindStore(store, (event) => {
      const { attempt, hedge: nth } = event as OperoEvent<'attempt'>;
      return `${attempt}/${nth}`;
    });
    t.after(() => start.unbindStore(store));
    await new Weather().forecast();
    assert.deepEqual(seen.sort(), ['1/0', '1/1', '2/0', '2/1']);
  });
});
