import { strict as assert } from 'node:assert';
import { after, describe, test } from 'node:test';
import * as opero from 'opero';
import { Orchestrator, shutdown, statsOf } from 'opero';
import { ApiError, Client, tell, throwError, throwOwn } from '../fixtures/workers/client.js';
import { FarClient, FarPatient, FarTwin } from '../fixtures/workers/far-client.js';
import { DiskError, NetError, TwinOne, TwinTwo } from '../fixtures/workers/far-errors.js';
import { rejection } from '../support/rejection.js';

after(() => shutdown());

const classOf = async (call: Promise<unknown>): Promise<unknown> => ((await rejection(call)) as Error).constructor;

describe('the class of an error thrown for a subclass of another module, which has a policy of its own,', () => {
  const client = new FarClient();

  test('is known when its base lists it, or exports it', async () => {
    assert.equal(await classOf(client.fail('disk')), DiskError);
    assert.equal(await classOf(client.fail('api')), ApiError);
  });

  test('is known when only the subclass names it, so that retryOn works', async () => {
    assert.equal(await classOf(client.failWithTwin('net')), NetError);
    assert.equal(statsOf(FarClient, 'failWithTwin').attempts, 2);
  });

  test('is known when its base exports it, although the subclass replaces the policy that names it', async () => {
    assert.equal(await classOf(new FarPatient().fail('api')), ApiError);
    assert.equal(await classOf(new FarPatient().fail('net')), NetError);
  });

  test('is the one of its key where two are alike', async () => {
    assert.equal(await classOf(new FarTwin().failWithTwins('two')), TwinTwo);
    assert.equal(await classOf(new FarTwin().failWithTwins('one')), TwinOne);
  });
});

describe('two error classes of the same name and the same code', () => {
  const client = new Client();

  test('are told apart where both are listed', async () => {
    assert.equal(await classOf(client.failWithTwins('one')), TwinOne);
    assert.equal(await classOf(client.failWithTwins('two')), TwinTwo);
  });

  test('are not taken for each other where one is listed', async () => {
    assert.equal(await classOf(client.failWithTwin('one')), TwinOne);
    assert.equal(await classOf(client.failWithTwin('two')), Error);
  });
});

describe('the class of an error of a function', () => {
  const module = new URL('../fixtures/workers/client.js', import.meta.url);

  test('is known when the module exports it, a matcher names it, or it is listed', async () => {
    const retry = { maxAttempts: 2, waitMin: 0, retryOn: [NetError] };
    const orchestrator = new Orchestrator({ retry, cpuBound: { module, maxWorkers: 2, errors: [DiskError] } });
    assert.equal(await classOf(orchestrator.execute(throwError, 'api')), ApiError);
    assert.equal(await classOf(orchestrator.execute(throwError, 'disk')), DiskError);
    assert.equal(orchestrator.stats.attempts, 2);
    assert.equal(await classOf(orchestrator.execute(throwError, 'net')), NetError);
    assert.equal(orchestrator.stats.attempts, 4);
    assert.equal(await classOf(orchestrator.execute(throwError, 'one')), Error);
  });

  test('is not known where two of those listed are alike', async () => {
    const orchestrator = new Orchestrator({ cpuBound: { module, maxWorkers: 2, errors: [TwinOne, TwinTwo] } });
    assert.equal(await classOf(orchestrator.execute(throwError, 'one')), Error);
  });
});

test('an error that led to a call has its class in the worker, when the module exports that', async () => {
  assert.deepEqual(await new Client().told(), [true, 1]);
  const module = new URL('../fixtures/workers/client.js', import.meta.url);
  for (const matcher of [{}, { retryOn: ApiError }]) {
    const retry = { maxAttempts: 2, waitMin: 0, ...matcher };
    const orchestrator = new Orchestrator({ retry, cpuBound: { module, maxWorkers: 2 } });
    assert.deepEqual(await orchestrator.execute(tell), [true, 1]);
  }
});

test('an error class that is exported, and global on one side only, is known on the other', async () => {
  Object.assign(globalThis, { ApiError });
  try {
    assert.deepEqual(await new Client().told(), [true, 1]);
  } finally {
    Reflect.deleteProperty(globalThis, 'ApiError');
  }
});

test('every error class of opero is known, whatever the module exports', async () => {
  const module = new URL('../fixtures/workers/client.js', import.meta.url);
  const orchestrator = new Orchestrator({ cpuBound: { module, maxWorkers: 2 } });
  const names = Object.entries(opero)
    .filter(([, each]) => typeof each === 'function' && each.prototype instanceof Error)
    .map(([name]) => name);
  assert.ok(names.length >= 11, names.join());
  for (const name of names) {
    assert.equal(await classOf(orchestrator.execute(throwOwn, name)), Reflect.get(opero, name), name);
  }
});
