import { strict as assert } from 'node:assert';
import { createSecretKey } from 'node:crypto';
import { BlockList, Socket } from 'node:net';
import { after, describe, test } from 'node:test';
import { Serializer } from 'node:v8';
import { ItemError, move, processAll, RejectedError, shutdown, statsOf, WorkerError } from 'opero';
import {
  type Kind,
  Nameless,
  nested,
  Point,
  Values,
  wasmMemory,
  wasmModule,
  withField,
} from '../fixtures/workers/values.js';
import { rejection } from '../support/rejection.js';

after(() => shutdown());
const values = new Values();

function argumentsOf(..._values: unknown[]): object {
  // biome-ignore lint/complexity/noArguments: an arguments object is what is asked for
  return arguments;
}

class Request {
  constructor(readonly socket: Socket) {}
}

async function refused(call: Promise<unknown>, message: string): Promise<void> {
  const error = await rejection(call);
  assert.ok(error instanceof WorkerError, String(error));
  assert.equal(error.message, message);
}

describe('what structured clone takes', () => {
  for (const [name, value] of Object.entries({
    'numbers, also the odd ones': [0, -0, Number.NaN, Number.POSITIVE_INFINITY, 2n ** 70n],
    'null and undefined': { a: null, b: undefined },
    'dates, regular expressions, boxed values': [new Date(5), /x/gi, Object('text')],
    'maps, sets and arrays with holes': [new Map([[{ k: 1 }, new Set([1])]]), Object.assign(new Array(3), [1])],
    bytes: [new Uint8Array([1, 2]), new ArrayBuffer(2), new Float64Array([0.5])],
    errors: new RangeError('inside a value'),
  })) {
    test(`travels there and back: ${name}`, async () => {
      assert.deepEqual(await values.echo(value), value);
      assert.deepEqual(await values.echoInProcess(value), value);
    });
  }

  test('lacks the signal that governs the call, whatever undefined arguments follow that', async () => {
    const { signal } = new AbortController();
    for (const more of [[], [undefined], [undefined, undefined]]) {
      assert.deepEqual(await values.echo({ signal, size: 1 }, ...more), { size: 1 });
      assert.equal(await values.echo('text', signal, ...more), 'text');
      assert.equal(await values.echo(signal, ...more), undefined);
    }
  });

  test('keeps what is circular, or the same object twice', async () => {
    const shared = { name: 'shared' };
    const circle: Record<string, unknown> = { one: shared, two: shared };
    circle.self = circle;
    const back = (await values.echo(circle)) as typeof circle;
    assert.equal(back.self, back);
    assert.equal(back.one, back.two);
    assert.notEqual(back, circle);
  });

  test('makes a plain object of an instance', async () => {
    class Plain {
      x = 1;
    }
    assert.deepEqual(await values.echo(new Plain()), { x: 1 });
  });
});

describe('an argument that cannot be cloned fails the call, and the error names its path', () => {
  const path = 'Values.echo: args';
  for (const [name, args, problem] of [
    ['a function', [() => {}], '[0] cannot be cloned: it is a function'],
    ['a function with a name', [1, function work() {}], '[1] cannot be cloned: it is the function work'],
    ['a symbol', [Symbol('s')], '[0] cannot be cloned: it is Symbol(s)'],
    ['inside an object', [{ socket: () => {} }], '[0].socket cannot be cloned: it is the function socket'],
    ['deep inside', [{ a: [0, { b: new WeakMap() }] }], '[0].a[1].b cannot be cloned: it is a WeakMap'],
    ['in a map', [new Map([['k', { f: Symbol('x') }]])], '[0].get(k).f cannot be cloned: it is Symbol(x)'],
    ['as a key of a map', [new Map([[Symbol('k'), 1]])], '[0] (a key) cannot be cloned: it is Symbol(k)'],
    ['in a set', [new Set([Promise.resolve()])], '[0] (a member) cannot be cloned: it is a Promise'],
    [
      'beside the elements of an array',
      [Object.assign([1], { f() {} })],
      '[0].f cannot be cloned: it is the function f',
    ],
    [
      'beside many elements',
      [{ list: withField(20_000) }],
      '[0].list.socket cannot be cloned: it is the function socket',
    ],
    ['of Node itself', [{ in: new Serializer() }], '[0].in cannot be cloned: it is a Serializer'],
    ['a proxy', [new Proxy({}, {})], '[0] cannot be cloned: it is a Proxy'],
    [
      'behind a getter that throws',
      [
        {
          get secret(): never {
            throw new Error('not for you');
          },
        },
      ],
      '[0].secret cannot be cloned: it is a getter that throws',
    ],
    [
      'in an instance',
      [{ at: new Point(1, function go() {}) }],
      '[0].at.onMove cannot be cloned: it is the function go',
    ],
  ] as const) {
    test(name, () => refused(values.echo(...args), path + problem));
  }

  test('in an instance of an instance, but for what a class of Node keeps to itself', async () => {
    const error = (await rejection(values.echo({ point: new Request(new Socket()) }))) as Error;
    assert.match(error.message, /^Values\.echo: args\[0\]\.point\.socket cannot be cloned: it is a Socket whose _/);
  });

  test('too deep', async () => {
    await refused(values.echo(nested(1e5)), `${path} cannot be cloned: it is nested more than 1000 levels deep`);
    assert.deepEqual(await values.echo(nested(900)), nested(900));
  });

  test('behind a key that has no text', () =>
    refused(
      values.echo(new Map([[Object.create(null), () => {}]])),
      `${path}[0].get([Object: null prototype] {}) cannot be cloned: it is a function`,
    ));

  test('once something was moved', async () => {
    await values.size(move(new ArrayBuffer(1)));
    const odd = {
      get secret(): never {
        throw new Error('not for you');
      },
    };
    await refused(values.echo(odd), `${path}[0].secret cannot be cloned: it is a getter that throws`);
    await refused(values.echo(nested(1e5)), `${path} cannot be cloned: it is nested more than 1000 levels deep`);
    const results = await processAll(values, 'giveInTurn', [odd as never, 'fine' as Kind], { onError: 'collect' });
    assert.ok(results[0] instanceof ItemError);
    assert.equal(results[1], 'fine');
  });

  test('counts as no start, and takes no permit', async () => {
    await refused(
      values.paced(() => {}),
      'Values.paced: args[0] cannot be cloned: it is a function',
    );
    assert.deepEqual([statsOf(values, 'paced').attempts, statsOf(values, 'paced').running], [0, 0]);
    assert.equal(await values.paced('fine'), 'fine');
    assert.equal(statsOf(values, 'paced').attempts, 1);
    assert.ok((await rejection(values.paced('late'))) instanceof RejectedError);
  });

  test('a field of this that travels', () =>
    refused(values.withState(), 'Values.withState: this.socket cannot be cloned: it is a function'));

  test('and the next call works', async () => {
    assert.equal(await values.echo('fine'), 'fine');
  });

  test('in a process too', async () => {
    const error = await rejection(values.echoInProcess({ f: () => {} }));
    assert.ok(error instanceof WorkerError);
    assert.match(error.message, /args\[0\]\.f cannot be cloned: it is the function f$/);
    for (const [value, kind] of [
      [wasmModule(), 'WebAssembly.Module'],
      [new SharedArrayBuffer(8), 'SharedArrayBuffer'],
      [new MessageChannel().port1, 'MessagePort'],
      [createSecretKey('secret', 'utf8'), 'KeyObject'],
    ] as const) {
      await refused(values.echoInProcess(value), `Values.echoInProcess: args[0] cannot be cloned: it is a ${kind}`);
    }
    for (const levels of [1800, 2500, 3000, 1e5]) {
      const reason = 'nested more than 1000 levels deep';
      await refused(
        values.echoInProcess(nested(levels)),
        `Values.echoInProcess: args cannot be cloned: it is ${reason}`,
      );
    }
    const moved = values.echoInProcess({ port: move(new MessageChannel().port1) });
    await refused(moved, 'Values.echoInProcess: args[0].port cannot be cloned: it is a MessagePort');
    const stream = values.echoInProcess(move(new ReadableStream()));
    await refused(stream, 'Values.echoInProcess: args[0] cannot be cloned: it is a ReadableStream');
    class Holder {
      constructor(readonly inner: unknown) {}
    }
    for (const [inner, kind] of [
      [new Blob(['x']), 'a Blob'],
      [new BlockList(), 'a BlockList'],
    ] as const) {
      for (const value of [{ inner }, new Holder(inner)]) {
        await refused(
          values.echoInProcess(value),
          `Values.echoInProcess: args[0].inner cannot be cloned: it is ${kind}`,
        );
      }
    }
    assert.equal(await values.echoInProcess('fine'), 'fine');
  });
});

describe('a result that cannot be cloned fails the call, and the error names its path', () => {
  for (const [kind, problem] of [
    ['function', 'result cannot be cloned: it is a function'],
    ['deep', 'result.list[1].socket cannot be cloned: it is the function socket'],
    ['map', 'result.get(key) cannot be cloned: it is Symbol(inside)'],
    ['set', 'result (a member) cannot be cloned: it is a WeakMap'],
    ['instance', 'result.point.onMove cannot be cloned: it is the function onMove'],
    ['promise', 'result.later cannot be cloned: it is a Promise'],
    ['getter', 'result.secret cannot be cloned: it is a getter that throws'],
    ['bottomless', 'result cannot be cloned: it is nested more than 1000 levels deep'],
    ['tooDeep', 'result cannot be cloned: it is nested more than 1000 levels deep'],
    ['builtin', 'result.in[0] cannot be cloned: it is an Intl.NumberFormat'],
    ['iterator', 'result cannot be cloned: it is an Array Iterator'],
    ['port', 'result cannot be cloned: it is a MessagePort'],
    ['host', 'result.writer cannot be cloned: it is a Serializer'],
    ['arrayField', 'result.list.socket cannot be cloned: it is the function socket'],
    ['longArray', 'result.list.socket cannot be cloned: it is the function socket'],
    ['detached', 'result.buffer cannot be cloned: it is a buffer that was moved'],
    ['urlBesideMoved', 'result.in cannot be cloned: it is a URL; send `url.href` in its place'],
    ['movedSpent', 'result.port cannot be cloned: it is a MessagePort'],
    ['movedLocked', 'result.list[0] cannot be cloned: it is a ReadableStream'],
  ] as [Kind, string][]) {
    test(kind, () => refused(values.give(kind), `Values.give: ${problem}`));
  }

  test('in a process too', async () => {
    for (const [kind, problem] of [
      ['wasmModule', 'result cannot be cloned: it is a WebAssembly.Module'],
      ['shared', 'result.bytes cannot be cloned: it is a SharedArrayBuffer'],
      ['builtin', 'result.in[0] cannot be cloned: it is an Intl.NumberFormat'],
      ['tooDeep', 'result cannot be cloned: it is nested more than 1000 levels deep'],
      ['movedPort', 'result.port cannot be cloned: it is a MessagePort'],
      ['host', 'result.writer cannot be cloned: it is a Serializer'],
    ] as [Kind, string][]) {
      await refused(values.giveFromProcess(kind), `Values.giveFromProcess: ${problem}`);
    }
    assert.equal(await values.giveFromProcess('fine'), 'fine');
  });

  for (const [kind, value, name] of [
    ['stream', new ReadableStream(), 'a ReadableStream'],
    ['arguments', argumentsOf(1), 'an Arguments'],
  ] as [Kind, unknown, string][]) {
    test(`and so does ${name} among the arguments`, async () => {
      await refused(values.give(kind), `Values.give: result.in cannot be cloned: it is ${name}`);
      await refused(values.echo([value]), `Values.echo: args[0][0] cannot be cloned: it is ${name}`);
    });
  }

  test('and the next call works', async () => {
    assert.equal(await values.give('fine'), 'fine');
  });

  test('and its neighbours in a batch are not sent to a worker again for it', async () => {
    const kinds: Kind[] = [...Array<Kind>(20).fill('fine'), 'getter', 'function', 'fine'];
    const { attempts } = statsOf(values, 'giveInTurn');
    const results = await processAll(values, 'giveInTurn', kinds, { onError: 'collect' });
    assert.deepEqual(
      results.map((each) => (each instanceof ItemError ? (each.cause as Error).constructor : each)),
      kinds.map((kind) => (kind === 'fine' ? 'fine' : WorkerError)),
    );
    assert.equal(statsOf(values, 'giveInTurn').attempts - attempts, kinds.length);
  });
});

describe('what is in what was read on the way', () => {
  test('a class with a static member in the place of its name is cloned', async () => {
    assert.deepEqual(await values.give('nameless'), { code: 'CH' });
    await refused(
      values.echo(Object.assign(new Nameless(), { f() {} })),
      'Values.echo: args[0].f cannot be cloned: it is the function f',
    );
  });

  test('an object of Node that is cloned as a whole goes, whatever fields it has', async () => {
    const { times } = (await values.give('histogram')) as { times: { count: number } };
    assert.equal(times.count, 0);
    assert.equal(typeof (await values.echo(times)), 'object');
  });

  test('a map with keys that have no text is cloned', async () => {
    const given = (await values.give('groups')) as Map<object, unknown>;
    assert.deepEqual([...given], [[{ year: '1999' }, { found: true }]]);
    assert.deepEqual({ ...((await values.give('tagged')) as object) }, { value: 1 });
    assert.deepEqual(await values.give('nearlyTooDeep'), nested(900));
  });

  test('an error whose fields cannot be cloned leads to a fallback in a worker all the same', async () => {
    assert.equal(await values.primary('through'), 'through');
  });
});

describe('move', () => {
  test('transfers to the worker: the sender keeps nothing', async () => {
    const buffer = new ArrayBuffer(1000);
    assert.equal(await values.size(move(buffer)), 1000);
    assert.equal(buffer.byteLength, 0);
  });

  test('transfers a view with its buffer, inside other values, there and back', async () => {
    const bytes = new Uint8Array(10);
    const back = await values.fill(move(bytes));
    assert.equal(bytes.byteLength, 0);
    assert.deepEqual(back, new Uint8Array(10).fill(7));
    const inside = new Uint8Array(3);
    await values.echo({ list: [move(inside)] });
    assert.equal(inside.byteLength, 0);
  });

  test('takes what is inside an object of any class along', async () => {
    const { held } = (await values.give('moved')) as { held: { value: number; port: { close(): void } } };
    assert.equal(held.value, 1);
    assert.equal(typeof held.port.close, 'function');
    held.port.close();
  });

  test('takes it along with an instance of a class that the program made global', async () => {
    const { value, port } = (await values.give('global')) as { value: number; port: { close(): void } };
    assert.equal(value, 1);
    port.close();
  });

  test('of a buffer that was moved already fails, and names its path', async () => {
    const reason = 'cannot be cloned: it is a buffer that was moved';
    for (const start of ['cold', 'warm']) {
      for (const bytes of [new Uint8Array(8), new ArrayBuffer(8)]) {
        await values.size(move(bytes));
        if (start === 'cold') await shutdown();
        await refused(values.echo({ bytes: move(bytes) }), `Values.echo: args[0].bytes ${reason}`);
      }
    }
    const bytes = new Uint8Array(8);
    await values.echoInProcess(move(bytes));
    await refused(values.echoInProcess(move(bytes)), `Values.echoInProcess: args[0] ${reason}`);
    // In one worker.
    assert.deepEqual(await values.giveInTurn('movedTwice'), { table: new Float64Array(4) });
    await refused(values.giveInTurn('movedTwice'), `Values.giveInTurn: result.table ${reason}`);
    assert.equal(await values.giveInTurn('fine'), 'fine');
  });

  for (const start of ['cold', 'warm']) {
    test(`names what cannot be cloned, and not what is moved beside it: ${start}`, async () => {
      const { port1, port2 } = new MessageChannel();
      const bytes = new Uint8Array(8);
      const given = { port: move(port1), bytes: move(bytes), bad() {} };
      const odd = {
        port: port1,
        get secret(): never {
          throw new Error('not for you');
        },
      };
      if (start === 'cold') await shutdown();
      else await values.echo(1);
      await refused(values.echo(given), 'Values.echo: args[0].bad cannot be cloned: it is the function bad');
      if (start === 'cold') await shutdown();
      await refused(values.echo(odd), 'Values.echo: args[0].secret cannot be cloned: it is a getter that throws');
      // Nothing was moved, and is marked still.
      assert.equal(bytes.byteLength, 8);
      await values.size(port1 as never);
      assert.equal(await values.size(bytes), 8);
      assert.equal(bytes.byteLength, 0);
      port2.close();
    });

    test(`names what was to be moved where that is at fault: ${start}`, async () => {
      const { port1 } = new MessageChannel();
      port1.close();
      if (start === 'cold') await shutdown();
      else await values.echo(1);
      const message = 'Values.echo: args[0].port cannot be cloned: it is a MessagePort';
      await refused(values.echo({ bytes: move(new Uint8Array(8)), port: move(port1) }), message);
    });
  }

  test('copies a buffer that cannot be moved', async () => {
    const memory = wasmMemory();
    const small = Buffer.from('small');
    assert.equal(await values.size(move(memory)), 65_536);
    assert.equal(await values.size(move(small)), 5);
    assert.deepEqual([memory.byteLength, String(small)], [65_536, 'small']);
    assert.deepEqual(await values.give('movedWasm'), new Uint8Array(2));
    assert.equal(Buffer.from((await values.give('movedPooled')) as Uint8Array).toString(), 'small');
  });

  test('of something empty', async () => {
    assert.equal(await values.size(move(new ArrayBuffer(0))), 0);
    assert.deepEqual(await values.fill(move(new Uint8Array(0))), new Uint8Array(0));
  });

  test('gives back what it was given, so that what is not moved is cloned', async () => {
    const buffer = new ArrayBuffer(8);
    assert.equal(move(buffer), buffer);
    const other = new ArrayBuffer(8);
    await values.size(other);
    assert.equal(other.byteLength, 8);
  });

  test('refuses what cannot be transferred', () => {
    assert.throws(() => move({ plain: 'object' } as never), {
      name: 'ConfigurationError',
      message: /^move\(\): expected /,
    });
    assert.throws(() => move(5 as never), { name: 'ConfigurationError' });
  });
});
