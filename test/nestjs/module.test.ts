import 'reflect-metadata';
import { strict as assert } from 'node:assert';
import { describe, mock, test } from 'node:test';
import { type INestApplicationContext, Injectable, Logger, Module, type ModuleMetadata } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { concurrency, explain, fallback, policiesOf, retry, WorkerError } from 'opero';
import { OperoModule, overridePolicies } from 'opero/nestjs';
import { flush } from '../support/clock.js';
import { deferred } from '../support/deferred.js';
import { Spinning } from './spinning.js';

/*
 * The module under Nest's core alone, with classes in the new form of decorators; test/nest has whole programs in the old
 * form.
 */

function start(metadata: ModuleMetadata): Promise<INestApplicationContext> {
  class AppModule {}
  Module(metadata)(AppModule);
  return NestFactory.createApplicationContext(AppModule, { logger: false, abortOnError: false });
}

@Injectable()
class Prices {
  calls = 0;

  @retry({ maxAttempts: 2, waitMin: 0 })
  async ask(): Promise<string> {
    this.calls++;
    throw new Error('no answer');
  }
}

@Injectable()
class Slow {
  readonly entered = deferred<void>();
  readonly gate = deferred<void>();

  @concurrency(1)
  async run(name: string): Promise<string> {
    this.entered.resolve();
    await this.gate.promise;
    return name;
  }
}

@Injectable()
class Dearer extends Prices {
  override async ask(): Promise<string> {
    if (++this.calls < 2) throw new Error('no answer');
    return 'dear';
  }
}

const maxAttempts = (): unknown => policiesOf(Prices, 'ask')[0]?.options.maxAttempts;

describe('OperoModule, without HTTP', () => {
  test('registers classes of providers before any is made', async () => {
    class Later extends Prices {
      override async ask(): Promise<string> {
        return 'later';
      }
    }
    const later = { provide: Later, useClass: Later, scope: 1 };
    const app = await start({ imports: [OperoModule.forRoot()], providers: [later, Dearer] });
    assert.match(explain(Later), /ask\(\): retry > the method/);
    assert.equal(await app.get(Dearer).ask(), 'dear');
    await app.close();
  });

  test('fails at the start on a fallback that is not there', async () => {
    class Wrong {
      @fallback('chached' as never)
      async load(): Promise<void> {}
    }
    await assert.rejects(start({ imports: [OperoModule.forRoot()], providers: [Wrong] }), {
      name: 'ConfigurationError',
      message: /Wrong.load: no method 'chached' here/,
    });
  });

  test('changes policies while the program runs', async () => {
    const opero = OperoModule.forRoot({ policies: { 'Prices.ask': { retry: 5 } } });
    const app = await start({ imports: [opero], providers: [Prices] });
    assert.equal(maxAttempts(), 5);
    await app.close();
    assert.equal(maxAttempts(), 2);
  });

  test('says in a message where the policies are from', async () => {
    const opero = OperoModule.forRoot({ policies: { 'Prices.ask': { retry: { maxAttempts: 0 } } } });
    await assert.rejects(
      start({ imports: [opero] }),
      /policies of OperoModule at 'Prices.ask': expected `retry.maxAttempts`/,
    );
    const given = OperoModule.forRoot({ policies: [] as unknown });
    await assert.rejects(start({ imports: [given] }), /policies of OperoModule: expected an object, got \[\]/);
  });

  test('keeps its name through the bundling, as Nest logs it', () => {
    assert.equal(OperoModule.name, 'OperoModule');
  });

  test('waits at shutdown for calls that are under way, those that wait in line too', async () => {
    const app = await start({ imports: [OperoModule.forRoot()], providers: [Slow] });
    const slow = app.get(Slow);
    const order: string[] = [];
    const calls = ['first', 'second'].map((name) => slow.run(name).then((each) => order.push(each)));
    await slow.entered.promise;
    const closing = app.close().then(() => order.push('closed'));
    // The shutdown has come to where it waits.
    for (let turn = 0; turn < 20; turn++) await flush();
    assert.deepEqual(order, []);
    slow.gate.resolve();
    await Promise.all([...calls, closing]);
    assert.deepEqual(order, ['first', 'second', 'closed']);
  });

  test('waits no longer than shutdownTimeout, and warns of what has not ended', async () => {
    const warnings: unknown[] = [];
    const warn = mock.method(Logger.prototype, 'warn', (message: unknown) => warnings.push(message));
    const app = await start({ imports: [OperoModule.forRoot({ shutdownTimeout: 1 })], providers: [Slow] });
    const slow = app.get(Slow);
    const call = slow.run('late');
    await slow.entered.promise;
    await app.close();
    warn.mock.restore();
    assert.deepEqual(warnings, ['calls that had not ended after 1 ms: 1']);
    slow.gate.resolve();
    assert.equal(await call, 'late');
  });

  test('ends what still runs in workers after shutdownTimeout', async () => {
    const app = await start({ imports: [OperoModule.forRoot({ shutdownTimeout: 0 })], providers: [Spinning] });
    const spun = assert.rejects(app.get(Spinning).spin(), WorkerError);
    await app.close();
    await spun;
  });
});

describe('overridePolicies', () => {
  test('counts before what the program configures, however near that is', async () => {
    const opero = OperoModule.forRoot({ policies: { 'Prices.ask': { retry: 5 } } });
    const builder = { compile: () => start({ imports: [opero], providers: [Prices] }) };
    for (const key of ['Prices.ask', 'Prices.*', '*']) {
      const app = await overridePolicies({ ...builder }, { [key]: { retry: 3 } }).compile();
      assert.equal(maxAttempts(), 3, key);
      const again = await overridePolicies({ ...builder }, { 'Prices.ask': { retry: 4 } }).compile();
      assert.equal(maxAttempts(), 4, key);
      await again.close();
      assert.equal(maxAttempts(), 3, key);
      await app.close();
      assert.equal(maxAttempts(), 2, key);
    }
  });

  test('says in a message who asked', () => {
    const builder = { compile: () => start({ providers: [Prices] }) };
    return assert.rejects(
      overridePolicies(builder, { Prices: { retry: 3 } }).compile(),
      /overridePolicies\(\): expected each key to be 'Class.method', 'Class.\*' or '\*', got 'Prices'/,
    );
  });
});
