import { strict as assert } from 'node:assert';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { ConfigurationError, cache, cacheOf, fallback, Orchestrator, orchestrate, singleFlight, statsOf } from 'opero';
import { rejection } from '../support/rejection.js';

const place = Symbol('place');

class Weather {
  @cache(1000)
  async any(..._args: unknown[]): Promise<number> {
    return 1;
  }

  @orchestrate({ cache: 1000, signalAt: { argument: 1, name: 'abortSignal' } })
  async placed(..._args: unknown[]): Promise<number> {
    return 1;
  }

  @orchestrate({ cache: 1000, signalAt: { argument: 0 } })
  async first(..._args: unknown[]): Promise<number> {
    return 1;
  }

  @orchestrate({ cache: 1000, signalAt: { argument: 1, name: 7 } })
  async numbered(..._args: unknown[]): Promise<number> {
    return 1;
  }

  @orchestrate({ cache: 1000, signalAt: { argument: 1, name: place } })
  async symbolic(..._args: unknown[]): Promise<number> {
    return 1;
  }

  @singleFlight()
  async one(..._args: unknown[]): Promise<number> {
    return 1;
  }
}

const weather = new Weather();
const { keyOf } = cacheOf(weather, 'any');
const { signal } = new AbortController();

describe('5.1 without `key`, the arguments make it', () => {
  test('with their types', () => {
    const lists: unknown[][] = [
      [],
      [''],
      ['1'],
      [1],
      [1n],
      [-1],
      [0],
      [-0],
      [Number.NaN],
      ['NaN'],
      [true],
      ['true'],
      [false],
      [null],
      ['null'],
      [undefined, 1],
      [null, 1],
      ['1', '2'],
      ['12'],
      ['1s1:2'],
      ['1', ''],
      ['', '1'],
      [1, 2],
      [12],
      [Symbol.for('1')],
      [Symbol.for('y1;')],
      [Symbol('1')],
      [Symbol('1')],
      [Symbol.iterator],
      ['a', 'b', 'c'],
      ['a"b', 'c'],
      ['a"b"c'],
    ];
    // The same with one more behind: an end tells where each ends.
    const longer = lists.map((args) => [...args, 'x']).filter((args) => args.length > 1);
    lists.push(...longer, ['1"x'], ['"x']);
    assert.equal(new Set(lists.map((args) => keyOf(...args))).size, lists.length);
    for (const args of lists) assert.equal(keyOf(...args), keyOf(...args));
  });

  test('no two lists of arguments have the same one', () => {
    const text = fc.oneof(
      fc.string(),
      fc.constantFrom('', 's', '"', 's1:', 'n1;', '0', 'u', 't', 'b1;', '1', ':', ';'),
    );
    const primitive = fc.oneof(
      text,
      fc.double(),
      fc.integer(),
      fc.bigInt(),
      fc.boolean(),
      fc.constantFrom(null, undefined, -0),
      text.map((name) => Symbol.for(name)),
    );
    const lists = fc.array(primitive, { maxLength: 4 }).map((args) => [...args, 'end']);
    const isSame = (one: unknown[], other: unknown[]): boolean =>
      one.length === other.length && one.every((each, at) => Object.is(each, other[at]));
    fc.assert(
      fc.property(lists, lists, text, text, (one, other, last, otherLast) => {
        const [a, b] = [one.with(-1, last), other.with(-1, otherLast)];
        assert.equal(keyOf(...a) === keyOf(...b), isSame(a, b));
      }),
      { numRuns: 2000 },
    );
  });

  test('a signal at the end is left out, and an object there that holds nothing else, and what is undefined', () => {
    const key = keyOf('a');
    const bare = Object.assign(Object.create(null) as object, { signal });
    for (const last of [signal, {}, { signal }, { signal: undefined }, { signal: null }, Object.create(null), bare]) {
      assert.equal(keyOf('a', last), key);
      assert.equal(keyOf('a', last, undefined), key);
      assert.equal(keyOf('a', undefined, last), key);
    }
    assert.equal(keyOf('a', undefined), key);
    assert.equal(keyOf(signal), keyOf());
    assert.notEqual(keyOf(undefined, 'a'), key);
  });

  test('with signalAt, the signal is left out where that says', () => {
    const placed = cacheOf(weather, 'placed');
    const key = placed.keyOf('a');
    assert.equal(placed.keyOf('a', { abortSignal: signal }), key);
    assert.equal(placed.keyOf('a', {}), key);
    assert.equal(placed.keyOf('a', { abortSignal: signal }, 'b'), placed.keyOf('a', undefined, 'b'));
    for (const [named, name] of [
      ['numbered', 7],
      ['symbolic', place],
    ] as const) {
      const { keyOf: of } = cacheOf(weather, named);
      assert.equal(of('a', { [name]: signal }), of('a'));
      assert.throws(() => of('a', { abortSignal: signal }), ConfigurationError);
    }
    assert.throws(() => placed.keyOf('a', { abortSignal: signal, page: 1 }), ConfigurationError);
    const first = cacheOf(weather, 'first');
    assert.equal(first.keyOf(signal, 'a'), first.keyOf(undefined, 'a'));
    assert.throws(() => first.keyOf('a', { abortSignal: signal }), ConfigurationError);
  });

  test('8 what `rotate` gives other values is left out', async () => {
    class Hosts {
      readonly asked: unknown[] = [];
      @fallback({ rotate: { argument: 0, values: ['eu', 'us'] } })
      @cache(60_000)
      async get(host: string, id: number, _options?: object): Promise<string> {
        this.asked.push(host);
        if (host === 'eu') throw new Error('down');
        return `${id} of ${host}`;
      }
      @fallback({ rotate: { argument: [1, 'auth', 'key'], values: ['a', 'b'] } })
      @cache(60_000)
      async by(_id: number, _options: object): Promise<void> {}
      @fallback({ rotate: { argument: 1, values: ['a', 'b'] } })
      @cache(60_000)
      async last(_id: number, _host?: string): Promise<void> {}
    }
    const hosts = new Hosts();
    assert.equal(await hosts.get('eu', 1), '1 of us');
    assert.equal(await hosts.get('us', 1, { signal }), '1 of us');
    assert.equal(await hosts.get('other', 2), '2 of other');
    assert.deepEqual(hosts.asked, ['eu', 'us', 'other']);
    const { keyOf: of } = cacheOf(hosts, 'by');
    assert.equal(of(1, { auth: { key: 'a' } }), of(1, { auth: { key: 'b' }, signal }));
    assert.notEqual(of(1, { auth: { key: 'a' } }), of(2, { auth: { key: 'a' } }));
    assert.notEqual(of(1, null as never), of(1, { auth: { key: 'a' } }));
    const last = cacheOf(hosts, 'last');
    assert.equal(last.keyOf(1), last.keyOf(1, 'b'));
    for (const options of [{ auth: { key: 'a', user: 'c' } }, { auth: { key: 'a' }, page: 1 }, { auth: 'a' }]) {
      assert.throws(() => of(1, options), /argument 1 is no primitive/);
    }
  });

  test('calls are told apart as keys are: 0 and -0 too', async () => {
    class Told {
      @cache(60_000)
      async get(value: unknown): Promise<number> {
        return Object.is(value, -0) ? -1 : 1;
      }
    }
    const told = new Told();
    const values: number[] = [];
    for (const value of [0, -0, 0, -0, '0', '0']) values.push(await told.get(value));
    assert.deepEqual(values, [1, -1, 1, -1, 1, 1]);
    assert.equal(statsOf(told, 'get').attempts, 3);
  });

  test('any other object among them is a ConfigurationError from the call', async () => {
    class Held {
      signal = signal;
    }
    const objects = [
      { page: 1 },
      { signal, page: 1 },
      { signal, [Symbol('page')]: 1 },
      [],
      () => {},
      new Map(),
      new Date(0),
    ];
    for (const each of [
      ...objects,
      new Held(),
      { signal: 'none' },
      Object.defineProperty({}, 'hidden', { value: 1 }),
    ]) {
      for (const call of [() => weather.any('a', each), () => weather.one('a', each)]) {
        const error = await rejection(call());
        assert.ok(error instanceof ConfigurationError);
        assert.match(
          error.message,
          /^@(cache|singleFlight) on Weather\.(any|one): expected `key`, as argument 1 is no primitive/,
        );
      }
    }
    await assert.rejects(weather.any({ signal }, 'a'), /argument 0/);
    await assert.rejects(weather.any(signal, 'a'), /argument 0/);
    await assert.rejects(weather.any('a', {}, {}), /argument 1/);
    assert.equal(statsOf(weather, 'any').attempts, 0);
  });

  test('in an Orchestrator functions are told apart by identity, with `key` too', async () => {
    const orchestrators = [
      new Orchestrator({ cache: 1000 }),
      new Orchestrator({ cache: { ttl: 1000, key: () => 'k' } }),
    ];
    for (const orchestrator of orchestrators) {
      const [one, other] = [(_: number) => 'one', (_: number) => 'other'];
      for (let i = 0; i < 2; i++) {
        assert.equal(await orchestrator.execute(one, 1), 'one');
        assert.equal(await orchestrator.execute(other, 1), 'other');
      }
      assert.equal(orchestrator.stats.attempts, 2);
      const load = orchestrator.wrap(one);
      assert.equal(await load(1), 'one');
      assert.equal(orchestrator.stats.attempts, 2);
      for (const fn of [one, load]) assert.equal(cacheOf(orchestrator, fn).size, 1);
      cacheOf(orchestrator, load).clear();
      assert.deepEqual([cacheOf(orchestrator, one).size, cacheOf(orchestrator, other).size], [0, 1]);
    }
  });
});
