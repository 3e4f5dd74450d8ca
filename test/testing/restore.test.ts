import { strict as assert } from 'node:assert';
import { describe, test } from 'node:test';
import { circuitBreaker, circuitOf, configure, configureFrom, retry } from 'opero';
import { failTimes, withoutPolicies, withoutWaits } from 'opero/testing';

const offline = new Error('offline');

function makeWeather() {
  class Weather {
    attempts = 0;

    @retry({ maxAttempts: 3, waitMin: 0 })
    @circuitBreaker(100)
    async forecast(): Promise<void> {
      this.attempts++;
      throw offline;
    }
  }
  return Weather;
}

type Weather = ReturnType<typeof makeWeather>;

/** How many attempts a call makes, and whether it was they that failed. */
async function callOf(Weather: Weather): Promise<number> {
  const weather = new Weather();
  await assert.rejects(weather.forecast());
  return weather.attempts;
}

/** What undoes something, and what is to be seen while it is not undone; else it is 3. */
const undone: [name: string, begin: (type: Weather) => (() => void) & Disposable, seen: number][] = [
  ['configure', (type) => configure(type, 'forecast', { retry: 2 }), 2],
  ['configureFrom', () => configureFrom({ 'Weather.forecast': { retry: 2 } }), 2],
  ['isolate', (type) => circuitOf(type, 'forecast').isolate(), 0],
  ['withoutPolicies', (type) => withoutPolicies(type), 1],
  ['failTimes', (type) => failTimes(type, 'forecast', 100, offline), 0],
];

describe('0 X9 what undoes something', () => {
  for (const [name, begin, seen] of undone) {
    for (const [way, undo] of [
      ['called', (each) => each()],
      ['disposed', (each) => each[Symbol.dispose]()],
    ] as [string, (each: (() => void) & Disposable) => void][]) {
      test(`X9 ${name}: ${way}, once, whatever is in force by then`, async () => {
        const Weather = makeWeather();
        const each = begin(Weather);
        assert.equal(typeof each, 'function');
        assert.equal(await callOf(Weather), seen);
        undo(each);
        assert.equal(await callOf(Weather), 3);
        const another = begin(Weather);
        for (let i = 0; i < 2; i++) {
          each();
          each[Symbol.dispose]();
        }
        assert.equal(await callOf(Weather), seen);
        another();
        assert.equal(await callOf(Weather), 3);
      });
    }

    test(`X9 ${name}: by \`using\`, and as a function without a receiver`, async () => {
      const Weather = makeWeather();
      {
        using _ = begin(Weather);
        assert.equal(await callOf(Weather), seen);
      }
      const each = begin(Weather);
      const { [Symbol.dispose]: dispose } = each;
      dispose();
      assert.equal(await callOf(Weather), 3);
    });
  }
});

describe('11 the helpers of opero/testing', () => {
  for (const [name, begin] of [
    ['withoutWaits', () => withoutWaits()],
    ['withoutPolicies', (type: Weather) => withoutPolicies(type)],
    ['failTimes', (type: Weather) => failTimes(type, 'forecast', 100, offline)],
  ] as const) {
    test(`11 ${name} has \`restore()\` and \`[Symbol.dispose]\`, and ends once by whichever`, async () => {
      const Weather = makeWeather();
      const [one, other] = [begin(Weather), begin(Weather)];
      const ways = [one, one.restore, one[Symbol.dispose]];
      for (const way of ways) assert.equal(typeof way, 'function');
      for (const way of [...ways, ...ways]) way();
      if (name !== 'withoutWaits') assert.notEqual(await callOf(Weather), 3);
      other.restore();
      assert.equal(await callOf(Weather), 3);
    });
  }

  test('11 withoutWaits: one that has ended twice leaves the other', async () => {
    class Patient {
      @retry({ maxAttempts: 2, waitMin: 600_000, waitMax: 600_000, jitter: 'none' })
      async run(): Promise<void> {
        throw offline;
      }
    }
    const one = withoutWaits();
    using _other = withoutWaits();
    one.restore();
    one[Symbol.dispose]();
    await assert.rejects(new Patient().run(), offline);
  });
});
