import { strict as assert } from 'node:assert';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { createContext, runInContext } from 'node:vm';
import { build } from 'esbuild';
import * as opero from 'opero';
import { copyOfOpero } from '../support/copy.js';
import { root } from '../support/pages.js';
import { rejection } from '../support/rejection.js';

type Opero = typeof opero;

const {
  isAllFailedError,
  isCircuitOpenError,
  isConfigurationError,
  isItemError,
  isJobError,
  isLeaseLostError,
  isRejectedError,
  isRetryError,
  isStoreError,
  isTimeoutError,
  isWorkerError,
} = opero;

const guards: Readonly<Record<string, (value: unknown) => boolean>> = {
  ConfigurationError: isConfigurationError,
  RetryError: isRetryError,
  AllFailedError: isAllFailedError,
  RejectedError: isRejectedError,
  WorkerError: isWorkerError,
  TimeoutError: isTimeoutError,
  ItemError: isItemError,
  JobError: isJobError,
  StoreError: isStoreError,
  LeaseLostError: isLeaseLostError,
};

/** One error of each class, of a copy of opero. */
const errorsOf = (from: Pick<Opero, Name>): Readonly<Record<Name, Error>> => ({
  ConfigurationError: new from.ConfigurationError('no'),
  RetryError: new from.RetryError('no', []),
  AllFailedError: new from.AllFailedError('no', []),
  RejectedError: new from.RejectedError('no', 'rateLimit', 'queue-full'),
  WorkerError: new from.WorkerError('no'),
  TimeoutError: new from.TimeoutError('no', 5, 'attempt'),
  ItemError: new from.ItemError('item', 0, 'no'),
  JobError: new from.JobError('no', 'lost'),
  StoreError: new from.StoreError('no'),
  LeaseLostError: new from.LeaseLostError('no'),
});
type Name =
  | 'ConfigurationError'
  | 'RetryError'
  | 'AllFailedError'
  | 'RejectedError'
  | 'WorkerError'
  | 'TimeoutError'
  | 'ItemError'
  | 'JobError'
  | 'StoreError'
  | 'LeaseLostError';
const names = Object.keys(guards) as Name[];

const { ConfigurationError, RetryError, AllFailedError, RejectedError, WorkerError, TimeoutError, ItemError } = opero;
const { JobError, StoreError, LeaseLostError } = opero;
const classes = {
  ...{ ConfigurationError, RetryError, AllFailedError, RejectedError, WorkerError, TimeoutError, ItemError },
  ...{ JobError, StoreError, LeaseLostError },
};

/** The error classes as a program of another realm has them. */
async function inAnotherRealm(): Promise<Pick<Opero, Name>> {
  const { outputFiles } = await build({
    entryPoints: [join(root, 'src/core/errors.ts')],
    bundle: true,
    write: false,
    format: 'iife',
    globalName: 'errors',
    platform: 'node',
    define: { 'import.meta.url': '"file:///errors.js"' },
  });
  const require = (): object => ({ createRequire: () => () => {} });
  return runInContext(`${outputFiles[0]?.text}; errors`, createContext({ process, require }));
}

describe('X5 each error class has a guard', () => {
  const sources: Record<string, Readonly<Record<Name, Error>>> = {};
  let copy: Opero;
  let foreign: Pick<Opero, Name>;

  before(async () => {
    copy = await copyOfOpero('guards');
    foreign = await inAnotherRealm();
    assert.notEqual(copy.RetryError, opero.RetryError);
    Object.assign(sources, { ours: errorsOf(classes), 'of another copy': errorsOf(copy), foreign: errorsOf(foreign) });
    assert.ok(!(sources.foreign?.TimeoutError instanceof Error));
  });

  for (const source of ['ours', 'of another copy', 'foreign']) {
    for (const name of names) {
      test(`X5 ${name}, ${source}: that of its own class alone knows it`, () => {
        const error = sources[source]?.[name];
        for (const [each, guard] of Object.entries(guards)) assert.equal(guard(error), each === name, each);
        assert.equal(isCircuitOpenError(error), false);
      });
    }
  }

  test('X5 subclasses are known, and a class between them', () => {
    class Mine extends copy.RejectedError {}
    class Open extends opero.RejectedError {}
    Object.defineProperty(Open.prototype, Symbol.for('opero.error'), { value: 'CircuitOpenError' });
    assert.equal(isRejectedError(new Mine('no', 'rateLimit', 'queue-full')), true);
    const open = new Open('no', 'rateLimit', 'queue-full');
    assert.deepEqual([isRejectedError(open), isCircuitOpenError(open)], [true, true]);
  });

  test('X5 what only has the name is not', () => {
    for (const value of [
      Object.assign(new Error('no'), { name: 'RejectedError' }),
      { name: 'RejectedError', policy: 'rateLimit', reason: 'queue-full' },
      new DOMException('late', 'TimeoutError'),
      opero.RejectedError.prototype,
      opero.RejectedError,
      { [Symbol.for('opero.error')]: 'RejectedError' },
    ]) {
      for (const guard of Object.values(guards)) assert.equal(guard(value), false);
    }
  });

  test('X5 never throws, and always ends', () => {
    const thrower = (): never => {
      throw new Error('not to be looked at');
    };
    const { proxy, revoke } = Proxy.revocable({}, {});
    revoke();
    const endless: object = new Proxy({}, { getPrototypeOf: () => endless });
    for (const value of [
      ...[undefined, null, 0, '', 'RejectedError', 5n, true, Symbol('x'), () => {}, [], Object.create(null)],
      proxy,
      endless,
      Object.create(endless),
      new Proxy({}, { getPrototypeOf: thrower, get: thrower, getOwnPropertyDescriptor: thrower }),
      Object.create(new Proxy({}, { getOwnPropertyDescriptor: thrower })),
    ]) {
      for (const guard of [...Object.values(guards), isCircuitOpenError]) assert.equal(guard(value), false);
    }
  });

  test('X5 a proxy of an error passes for it', () => {
    assert.equal(isRetryError(new Proxy(new opero.RetryError('no', []), {})), true);
  });

  test('X5 the tag shows nowhere in an error', () => {
    const error = new opero.TimeoutError('no', 5, 'total', { cause: 'busy' });
    assert.deepEqual(Reflect.ownKeys(error).sort(), ['cause', 'message', 'scope', 'stack', 'timeout']);
    assert.deepEqual(Object.keys(opero.TimeoutError.prototype), ['name']);
  });

  for (const name of names) {
    test(`X5 a matcher given ${name} means those of another copy and realm, whichever it is given`, async () => {
      for (const type of [classes[name], copy[name], foreign[name]]) {
        for (const errors of Object.values(sources)) {
          assert.equal(await attempts(errors[name], type), 2);
          assert.equal(await attempts(errors[name], [TypeError, type]), 2);
          const other = name === 'RetryError' ? 'WorkerError' : 'RetryError';
          assert.equal(await attempts(errors[other], type), 1);
        }
      }
    });
  }

  test('X5 a matcher given a subclass of one means its own errors alone', async () => {
    class Mine extends opero.WorkerError {}
    assert.equal(await attempts(new Mine('no'), Mine), 2);
    assert.equal(await attempts(new Mine('no'), copy.WorkerError), 2);
    assert.equal(await attempts(new opero.WorkerError('no'), Mine), 1);
  });

  async function attempts(error: unknown, retryOn: opero.ErrorMatcher): Promise<number> {
    let made = 0;
    class Shop {
      @opero.retry({ maxAttempts: 2, waitMin: 0, retryOn })
      async buy(): Promise<void> {
        made++;
        throw error;
      }
    }
    assert.equal(await rejection(new Shop().buy()), error);
    return made;
  }
});

describe('X5 TimeoutError', () => {
  test('X5 tells the time that was allowed, for what, and what had failed before', () => {
    const cause = new Error('busy');
    const error = new opero.TimeoutError('too late', 250, 'total', { cause });
    assert.ok(error instanceof Error);
    const { name, message, timeout, scope } = error;
    assert.deepEqual(
      { name, message, timeout, scope },
      { name: 'TimeoutError', message: 'too late', timeout: 250, scope: 'total' },
    );
    assert.equal(error.cause, cause);
    assert.equal('cause' in new opero.TimeoutError('too late', 250, 'attempt'), false);
  });
});
