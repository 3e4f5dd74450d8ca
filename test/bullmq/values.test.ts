import { strict as assert } from 'node:assert';
import { describe, test } from 'node:test';
import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import { Malformed, Obstacle } from '../../src/bullmq/value-errors.js';
import { decodeValue, encodeValue, tag } from '../../src/bullmq/values.js';

const through = (value: unknown): unknown => decodeValue(JSON.parse(JSON.stringify(encodeValue(value, 'args'))));

const same = (value: unknown): void => assert.deepStrictEqual(through(value), value);

describe('J9 values in a job', () => {
  test('come back as they were, of every kind that travels', () => {
    same([undefined, null, true, 'a', '', 1.5, -0, Number.NaN, Number.POSITIVE_INFINITY, -(10n ** 40n)]);
    same({ at: new Date(7), nested: { list: [[], {}, [undefined]] } });
    same(
      new Map<unknown, unknown>([
        [{ a: 1 }, new Set([1n, new Map()])],
        ['b', undefined],
      ]),
    );
    same(Buffer.from('opero'));
    for (const type of [
      Int8Array,
      Uint8Array,
      Uint8ClampedArray,
      Int16Array,
      Uint32Array,
      Float32Array,
      Float64Array,
    ]) {
      same(type.from([1, 2, 3]));
    }
    same(BigInt64Array.of(-1n, 2n));
    same(new Uint16Array(new Uint16Array([1, 2, 3, 4]).buffer, 2, 2));
    same('\ud800 alone');
    assert.ok(Number.isNaN(Number(through(new Date(Number.NaN)))));
  });

  test('an object that looks like a tag is one still', () => {
    same({ [tag]: 'date', value: 1 });
    same({ a: { [tag]: { [tag]: 'signal' } } });
  });

  test('a field `__proto__` is a field, and no prototype', () => {
    const given: unknown = JSON.parse('{"__proto__": {"admin": true}, "a": 1}');
    const copy = through(given) as { admin?: boolean };
    assert.equal(copy.admin, undefined);
    assert.equal(Object.getPrototypeOf(copy), Object.prototype);
    assert.deepEqual(Object.keys(copy), ['__proto__', 'a']);
    const tagged = decodeValue({ [tag]: 'object', value: [['__proto__', { admin: true }]] }) as { admin?: boolean };
    assert.equal(tagged.admin, undefined);
    assert.equal(Object.getPrototypeOf(tagged), Object.prototype);
  });

  test('objects of another realm travel', () => {
    const [map, plain, date] = runInNewContext('[new Map([[1, 2]]), { a: [1] }, new Date(3)]') as unknown[];
    assert.deepEqual(through(map), new Map([[1, 2]]));
    assert.deepEqual(through(plain), { a: [1] });
    assert.deepEqual(through(date), new Date(3));
  });

  test('what cannot travel is named, with its path', () => {
    class Socket {}
    class Table extends Map {}
    class Rows extends Array {}
    const holder: Record<string, unknown> = {};
    holder.self = holder;
    let deep: unknown = 1;
    for (let level = 0; level < 600; level++) deep = [deep];
    const cases: [unknown, string | RegExp][] = [
      [[{ socket: new Socket() }], 'args[0].socket cannot go into a job: it is an object of the class Socket'],
      [[new Map([['a', () => 1]])], /^args\[0\]\.get\('a'\) cannot go into a job: it is a function$/],
      [[{ 'a b': Symbol('s') }], 'args[0]["a b"] cannot go into a job: it is Symbol(s)'],
      [[new Set([/x/])], 'args[0] (a member) cannot go into a job: it is an object of the class RegExp'],
      [[new Table()], 'args[0] cannot go into a job: it is an object of the class Table'],
      [[Rows.of(1)], 'args[0] cannot go into a job: it is an object of the class Rows'],
      [[new Error('no')], 'args[0] cannot go into a job: it is an object of the class Error'],
      [[new AbortController().signal], /args\[0\] .* an AbortSignal that does not govern the call/],
      [holder, 'args.self cannot go into a job: it is an object that holds itself'],
      [deep, /nested more than 500 levels deep/],
      [
        [
          {
            get broken(): never {
              throw new Error('no');
            },
          },
        ],
        'args[0].broken cannot go into a job: it is a getter that throws',
      ],
      [[10n ** 30_000n], /a bigint of more than/],
    ];
    for (const [value, message] of cases) {
      assert.throws(
        () => encodeValue(value, 'args'),
        (error: Error) => {
          assert.ok(error instanceof Obstacle);
          if (typeof message === 'string') assert.equal(error.message, message);
          else assert.match(error.message, message);
          return true;
        },
      );
    }
  });

  test('the signal that governs the call is left to the other side', () => {
    const { signal } = new AbortController();
    const there = new AbortController().signal;
    const encoded = JSON.parse(JSON.stringify(encodeValue(['a', { signal }], 'args', signal)));
    assert.deepEqual(encoded, ['a', { signal: { [tag]: 'signal' } }]);
    assert.equal((decodeValue(encoded, () => there) as [string, { signal: AbortSignal }])[1].signal, there);
  });

  test('what has not the form of tags is refused', () => {
    const wrong: unknown[] = [
      { [tag]: 'Function', value: 'return 1' },
      { [tag]: '__proto__' },
      { [tag]: 'constructor', value: [] },
      { [tag]: {} },
      { [tag]: 'date', value: 'now' },
      { [tag]: 'bigint', value: '1; 2' },
      { [tag]: 'bigint', value: '1'.repeat(100_000) },
      { [tag]: 'map', value: [[1]] },
      { [tag]: 'map', value: { length: 1 } },
      { [tag]: 'set', value: 'abc' },
      { [tag]: 'bytes', value: ['Function', ''] },
      { [tag]: 'bytes', value: ['Uint32Array', 'AAA='] },
      { [tag]: 'bytes', value: ['Buffer', 7] },
      { [tag]: 'object', value: [[{}, 1]] },
      { [tag]: 'number', value: 5 },
    ];
    for (const each of wrong) assert.throws(() => decodeValue([each]), Malformed, JSON.stringify(each).slice(0, 60));
    let deep: unknown = 1;
    for (let level = 0; level < 5_000; level++) deep = [deep];
    assert.throws(() => decodeValue(deep), Malformed);
  });

  test('any value that travels comes back as it was', () => {
    const leaf = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.double(),
      fc.boolean(),
      fc.bigInt(),
      fc.constantFrom(null, undefined),
      fc.date({ noInvalidDate: true }),
      fc.uint8Array().map((bytes) => Buffer.from(bytes)),
      fc.float64Array(),
    );
    const { value } = fc.letrec<{ value: unknown }>((tie) => ({
      value: fc.oneof(
        { maxDepth: 4 },
        leaf,
        fc.array(tie('value')),
        fc.dictionary(fc.oneof(fc.string(), fc.constantFrom('__proto__', tag, 'constructor')), tie('value'), {
          noNullPrototype: true,
        }),
        fc.array(fc.tuple(tie('value'), tie('value'))).map((pairs) => new Map(pairs)),
        fc.array(tie('value')).map((members) => new Set(members)),
      ),
    }));
    fc.assert(fc.property(value, same), { numRuns: 300 });
  });

  test('any JSON is read or refused, and changes no prototype', () => {
    const tags = fc.constantFrom(
      'date',
      'map',
      'set',
      'object',
      'bytes',
      'bigint',
      'number',
      'undefined',
      'signal',
      'x',
    );
    const json = fc.oneof(fc.jsonValue(), fc.record({ [tag]: tags, value: fc.jsonValue() }));
    const before = Reflect.ownKeys(Object.prototype).length;
    fc.assert(
      fc.property(json, (given) => {
        try {
          decodeValue(given);
        } catch (error) {
          assert.ok(error instanceof Malformed, String(error));
        }
      }),
      { numRuns: 500 },
    );
    assert.equal(Reflect.ownKeys(Object.prototype).length, before);
  });
});
