import { strict as assert } from 'node:assert';
import { after, describe, test } from 'node:test';
import { shutdown, statsOf, WorkerError } from 'opero';
import {
  Exported,
  Getter,
  listed,
  matched,
  Nameless,
  Once,
  Stopped,
  Thrower,
  type Thrown,
} from '../fixtures/workers/errors.js';
import { rejection } from '../support/rejection.js';

after(() => shutdown());
const thrower = new Thrower();
const [Listed] = listed;
const [Matched] = matched;

const runtimes: [string, (what: Thrown) => Promise<unknown>][] = [
  ['a thread', (what) => rejection(thrower.throw(what))],
  ['a process', (what) => rejection(thrower.throwInProcess(what))],
];

for (const [runtime, thrown] of runtimes) {
  describe(`an error that comes back from ${runtime}`, () => {
    test('has its class, name, message and own fields, when the module exports the class', async () => {
      const error = await thrown('exported');
      assert.ok(error instanceof Exported);
      assert.equal(Object.getPrototypeOf(error), Exported.prototype);
      assert.deepEqual(
        [error.name, error.message, error.status, error.code],
        ['Exported', 'status 503', 503, 'E_EXPORTED'],
      );
    });

    test('has its class when that is built in, with its fields', async () => {
      const error = (await thrown('builtin')) as RangeError & { code: string };
      assert.equal(Object.getPrototypeOf(error), RangeError.prototype);
      assert.deepEqual([error.message, error.code], ['out of range', 'E_RANGE']);
    });

    test('is of the built-in class of this realm that its own extends in another one', async () => {
      const error = (await thrown('foreign')) as TypeError & { code: number };
      assert.equal(Object.getPrototypeOf(error), TypeError.prototype);
      assert.deepEqual([error.message, error.code], ['far', 1]);
      assert.equal(Object.getPrototypeOf(error.cause), RangeError.prototype);
    });

    test('has its class when that has a static member in the place of its name', async () => {
      const error = (await thrown('nameless')) as Error;
      assert.equal(Object.getPrototypeOf(error), Nameless.prototype);
      assert.equal(error.message, 'nameless');
    });

    test('is a DOMException where it was one', async () => {
      const error = await thrown('abort');
      assert.ok(error instanceof DOMException);
      assert.deepEqual([error.name, error.message, error.code], ['AbortError', 'stopped', 20]);
      const own = (await thrown('stopped')) as Stopped;
      assert.equal(Object.getPrototypeOf(own), Stopped.prototype);
      assert.deepEqual([own.name, own.message, own.code, own.extra], ['AbortError', 'stopped', 20, 1]);
    });

    test('is of the nearest known class where its own is not known, name and fields kept', async () => {
      const error = (await thrown('derived')) as Exported & { extra: unknown };
      assert.equal(Object.getPrototypeOf(error), Exported.prototype);
      assert.deepEqual([error.status, error.extra], [404, [1, 2]]);
      const other = (await thrown('secret')) as Error & { detail: unknown };
      assert.equal(Object.getPrototypeOf(other), Error.prototype);
      assert.deepEqual([other.name, other.message, other.detail], ['Secret', 'hush', { deep: true }]);
    });

    test('has fields that are enumerable, or not, as they were', async () => {
      const error = (await thrown('exported')) as Error;
      assert.deepEqual({ ...error }, { ...new Exported(503) });
      assert.equal(JSON.stringify(error), JSON.stringify(new Exported(503)));
      const hiding = (await thrown('hiding')) as Error & { hidden: number };
      assert.deepEqual([Object.keys(hiding), hiding.hidden, hiding.cause], [['shown', 'errors'], 1, 'why']);
      assert.deepEqual(Object.keys((await thrown('aggregate')) as Error), []);
    });

    test('has lost no more than a field that cannot be read', async () => {
      const error = (await thrown('getterField')) as Exported & { kept: number };
      assert.ok(error instanceof Exported);
      assert.deepEqual([error.status, error.kept, 'secret' in error], [500, 1, false]);
    });

    test('is a WorkerError where it cannot be read itself', async () => {
      const error = await thrown('unreadable');
      assert.ok(error instanceof WorkerError);
      assert.match(error.message, /^Thrower\.throw(InProcess)?: what it threw cannot be read: not for you$/);
    });

    test('has the getters of its class', async () => {
      const error = await thrown('getter');
      assert.ok(error instanceof Getter);
      assert.equal(error.computed, 'computed from parts');
    });

    test('is made without its constructor', async () => {
      const error = await thrown('once');
      assert.ok(error instanceof Once);
      assert.equal(error.message, 'once');
    });

    test('has its causes, each of its own class', async () => {
      const error = (await thrown('chain')) as Error;
      assert.equal(error.message, 'top');
      assert.ok(error.cause instanceof Exported);
      assert.equal(error.cause.status, 500);
      assert.deepEqual(((await thrown('causeIsNoError')) as Error).cause, { reason: 'plain' });
    });

    test('has causes that go round where they did', async () => {
      const error = (await thrown('circular')) as Error;
      assert.equal(error.message, 'one');
      assert.equal((error.cause as Error).message, 'two');
      assert.equal((error.cause as Error).cause, error);
    });

    test('has its causes and errors as deep as either side can read', async () => {
      for (const kind of ['bottomless', 'wide'] as const) {
        const error = (await thrown(kind)) as AggregateError & { field?: object };
        assert.equal(error.message, '3000');
        assert.equal('field' in error, kind === 'wide');
        let levels = 0;
        for (let each = error; each !== undefined; each = (each.cause ?? each.errors?.[0]) as AggregateError) levels++;
        assert.ok(levels >= 100 && levels < 3000, String(levels));
      }
    });

    test('keeps its message where that speaks of something private', async () => {
      assert.equal(((await thrown('private')) as Error).message, 'the private key is malformed');
      assert.equal(((await thrown('receiver')) as Error).message, 'Receiver must be set');
    });

    test('has the errors of an AggregateError', async () => {
      const error = await thrown('aggregate');
      assert.ok(error instanceof AggregateError);
      assert.ok(error.errors[0] instanceof Exported);
      assert.equal(error.errors[1], 'text');
      assert.equal(error.errors.length, 2);
    });

    test('lacks a field that cannot be cloned, and has the others', async () => {
      const error = (await thrown('uncloneableField')) as Error & { kept: number };
      assert.equal(error.kept, 1);
      assert.equal('socket' in error, false);
    });

    test('keeps its class where a field of a built-in kind cannot be cloned', async () => {
      const error = (await thrown('builtinField')) as Exported & { kept: number };
      assert.ok(error instanceof Exported);
      assert.deepEqual([error.kept, 'format' in error], [1, false]);
    });

    test('may have been frozen, or renamed', async () => {
      const error = (await thrown('frozen')) as RangeError & { code: string };
      assert.ok(error instanceof RangeError);
      assert.deepEqual([error.message, error.code], ['frozen', 'E_FROZEN']);
      assert.equal(((await thrown('renamed')) as Error).name, 'MyName');
    });

    test('has the stack of the worker, and then that of the caller', async () => {
      async function caller(): Promise<unknown> {
        return await thrown('exported');
      }
      const { stack = '' } = (await caller()) as Error;
      const [head, ...frames] = stack.split('\n');
      assert.match(head, /status 503$/);
      const inWorker = frames.findIndex((frame) => /errors\.(js|ts)/.test(frame));
      const inCaller = frames.findIndex((frame) => /at async caller /.test(frame));
      assert.ok(inWorker >= 0 && inCaller > inWorker, stack);
      assert.equal(frames.filter((frame) => /\/dist\/workers\/(remote|dispatch)/.test(frame)).length, 0, stack);
    });

    test('may be anything that can be thrown', async () => {
      assert.equal(await thrown('text'), 'text');
      assert.equal(await thrown('nothing'), undefined);
      assert.equal(await thrown('null'), null);
      assert.deepEqual(await thrown('object'), { plain: 'object' });
      assert.equal(await thrown('symbol'), 'Symbol(thrown)');
    });
  });
}

describe('an error class that the module does not export', () => {
  test('is known when it is listed in errors', async () => {
    const error = await rejection(thrower.throwListed());
    assert.ok(error instanceof Listed);
    assert.deepEqual([error.name, error.message], ['Listed', 'listed']);
  });

  test('is known when a matcher of the method names it, so that retryOn works', async () => {
    const error = await rejection(thrower.retried());
    assert.ok(error instanceof Matched);
    assert.equal(statsOf(Thrower, 'retried').attempts, 3);
  });
});

describe('matchers on the calling side', () => {
  test('retryOn takes a class of the worker, and refuses others', async () => {
    assert.ok((await rejection(thrower.retriedExported(503))) instanceof Exported);
    assert.equal(statsOf(Thrower, 'retriedExported').attempts, 3);
    assert.ok((await rejection(thrower.retriedExported(0))) instanceof RangeError);
    assert.equal(statsOf(Thrower, 'retriedExported').attempts, 4);
  });

  test('a fallback takes the class and the fields', async () => {
    assert.equal(await thrower.saved(503), 'fell back');
    const error = await rejection(thrower.saved(500));
    assert.ok(error instanceof Exported);
    assert.equal(error.status, 500);
  });
});
