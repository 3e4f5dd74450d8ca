import { strict as assert } from 'node:assert';
import { describe, test } from 'node:test';
import { Controller, Get, Injectable, Module } from '@nestjs/common';
import { ConfigurationError, circuitOf, explain, fallback, orchestrate, policiesOf, retry, statsOf } from 'opero';
import { OperoModule, overridePolicies } from 'opero/nestjs';
import { failTimes, resetState, withoutPolicies } from 'opero/testing';
import request from 'supertest';
import { AppModule } from '../app/app.module.js';
import { AlpineWeather, Weather } from '../app/weather.js';
import { builderOf, start } from './start.js';

@Injectable()
class Prices {
  calls = 0;

  @retry({ maxAttempts: 2, waitMin: 0 })
  async ask(): Promise<string> {
    this.calls++;
    throw new Error('no answer');
  }
}

const maxAttempts = (): unknown => policiesOf(Prices, 'ask')[0]?.options.maxAttempts;

describe('OperoModule', () => {
  test('fails at the start on a fallback that is not there', async () => {
    @Injectable()
    class Wrong {
      @fallback('chached' as never)
      async load(): Promise<string> {
        return 'loaded';
      }
    }
    const builder = builderOf({ imports: [OperoModule.forRoot()], providers: [Wrong] });
    await assert.rejects(builder.compile(), { name: 'ConfigurationError', message: /Wrong.load: no method 'chached'/ });
  });

  test('changes policies, until the program shuts down', async () => {
    const policies = { 'Prices.ask': { retry: 5 } };
    const app = await start(builderOf({ imports: [OperoModule.forRoot({ policies })], providers: [Prices] }));
    await assert.rejects(app.get(Prices).ask(), /no answer/);
    assert.equal(app.get(Prices).calls, 5);
    await app.close();
    assert.equal(maxAttempts(), 2);
  });

  test('takes its options from a factory, with what is injected', async () => {
    const settings = { provide: 'SETTINGS', useValue: { attempts: 4 } };
    @Module({ providers: [settings], exports: ['SETTINGS'] })
    class SettingsModule {}
    const opero = OperoModule.forRootAsync({
      imports: [SettingsModule],
      inject: ['SETTINGS'],
      useFactory: async ({ attempts }: { attempts: number }) => ({ policies: { 'Prices.ask': { retry: attempts } } }),
    });
    const app = await start(builderOf({ imports: [opero], providers: [Prices] }));
    assert.equal(maxAttempts(), 4);
    await app.close();
    assert.equal(maxAttempts(), 2);
  });

  test('fails at the start on policies of a method, or a kind, that is not there', async () => {
    for (const [policies, message] of [
      [{ 'Prices.aks': { retry: 5 } }, /aks/],
      [{ 'Prices.ask': { rateLimit: 5 } }, /rateLimit/],
    ] as const) {
      const builder = builderOf({ imports: [OperoModule.forRoot({ policies })], providers: [Prices] });
      await assert.rejects(builder.compile(), { name: 'ConfigurationError', message });
    }
    assert.equal(maxAttempts(), 2);
  });

  test('warns of policies that have fitted nothing', async () => {
    const warnings: unknown[] = [];
    const logger = { log() {}, error() {}, warn: (...given: unknown[]) => warnings.push(given[0]) };
    const policies: unknown = { 'Prize.ask': { retry: 5 }, 'Prices.ask': { retry: 5 } };
    const builder = builderOf({ imports: [OperoModule.forRoot({ policies })], providers: [Prices] }).setLogger(logger);
    const app = await start(builder);
    await app.close();
    assert.deepEqual(warnings, ['policies that have fitted nothing: Prize.ask']);
  });

  test('refuses options that are wrong, at once', async () => {
    assert.throws(() => OperoModule.forRoot({ shutdownTimeout: -1 }), {
      name: 'ConfigurationError',
      message:
        'OperoModule.forRoot(): expected `shutdownTimeout` to be a number of milliseconds of at least 0 or Infinity, got -1',
    });
    assert.throws(() => OperoModule.forRoot({ timeout: 1 } as never), /unknown option `timeout`/);
    const opero = OperoModule.forRootAsync({ useFactory: () => ({ shutdownTimeout: Number.NaN }) });
    await assert.rejects(
      builderOf({ imports: [opero] }).compile(),
      /OperoModule.forRootAsync\(\): expected `shutdownTimeout`/,
    );
    assert.throws(() => OperoModule.forRootAsync({} as never), /expected `useFactory` to be a function, got undefined/);
  });

  test('may be imported without options, and by several modules', async () => {
    @Module({ imports: [OperoModule], providers: [Prices], exports: [Prices] })
    class PricesModule {}
    const app = await start(builderOf({ imports: [OperoModule, PricesModule] }));
    await assert.rejects(app.get(Prices).ask());
    assert.equal(app.get(Prices).calls, 2);
    await app.close();
  });

  test('links an override without a decorator before a program without HTTP starts', async () => {
    class Dearer extends Prices {
      override async ask(): Promise<string> {
        if (++this.calls < 2) throw new Error('no answer');
        return 'dear';
      }
    }
    const module = await builderOf({ imports: [OperoModule.forRoot()], providers: [Dearer] }).compile();
    await module.init();
    assert.equal(await module.get(Dearer).ask(), 'dear');
    assert.equal(explain(Dearer).includes('nobody has linked'), false);
    await module.close();
  });

  test('leaves values alone that are no objects of a class with policies', async () => {
    const values = [null, undefined, 'text', 7, [1], new Map(), Object.create(null), () => 'made', Promise.resolve(1)];
    const providers = values.map((useValue, at) => ({ provide: `value ${at}`, useValue }));
    const frozen = Object.freeze(new Proxy({}, {}));
    const app = await start(
      builderOf({
        imports: [OperoModule.forRoot()],
        providers: [...providers, { provide: 'frozen', useValue: frozen }, { provide: 'made', useFactory: () => null }],
      }),
    );
    assert.equal(app.get('value 2'), 'text');
    await app.close();
  });

  test('registers what a test puts in the place of a provider', async () => {
    class Fixed extends Weather {
      override async forecast(city: string): Promise<string> {
        if (this.failures-- > 0) throw new Error('no answer');
        return `always sun in ${city}`;
      }
    }
    const app = await start(
      builderOf({ imports: [AppModule] })
        .overrideProvider(Weather)
        .useClass(Fixed),
    );
    app.get(Weather).failures = 2;
    assert.equal(await app.get(Weather).forecast('Nice'), 'always sun in Nice');
    assert.equal(statsOf(Fixed, 'forecast').attempts, 3);
    await app.close();
  });

  test('governs nothing of a class that says so', async () => {
    @retry({ maxAttempts: 3, waitMin: 0 })
    @Controller('once')
    class Once {
      calls = 0;

      @Get()
      @orchestrate({ inherit: false })
      async show(): Promise<string> {
        this.calls++;
        throw new Error('no answer');
      }
    }
    const app = await start(builderOf({ imports: [OperoModule.forRoot()], controllers: [Once] }));
    await request(app.getHttpServer()).get('/once').expect(500);
    assert.equal(app.get(Once).calls, 1);
    await app.close();
  });
});

describe('overridePolicies', () => {
  test('changes policies from compile() until the module closes', async () => {
    const builder = overridePolicies(builderOf({ providers: [Prices] }), { 'Prices.ask': { retry: 3 } });
    assert.equal(maxAttempts(), 2);
    const module = await builder.compile();
    await assert.rejects(module.get(Prices).ask());
    assert.equal(module.get(Prices).calls, 3);
    await module.close();
    assert.equal(maxAttempts(), 2);
  });

  for (const adapter of ['Express', 'Fastify'] as const) {
    test(`counts before what the program configures, until the application closes, over ${adapter}`, async () => {
      const opero = OperoModule.forRoot({ policies: { 'Prices.ask': { retry: 5 } } });
      const builder = builderOf({ imports: [opero], providers: [Prices] });
      const app = await start(overridePolicies(builder, { 'Prices.*': { retry: false } }), adapter);
      await assert.rejects(app.get(Prices).ask());
      assert.equal(app.get(Prices).calls, 1);
      await app.close();
      assert.equal(maxAttempts(), 2);
    });
  }

  test('holds while the program is made', async () => {
    const seen: unknown[] = [];
    const making = { provide: 'MADE', useFactory: () => seen.push(maxAttempts()) };
    const builder = overridePolicies(builderOf({ providers: [making] }), { 'Prices.ask': { retry: 7 } });
    await (await builder.compile()).close();
    assert.deepEqual(seen, [7]);
  });

  test('leaves nothing behind when it does not fit, or the program cannot be made', async () => {
    const misfit = overridePolicies(builderOf({ providers: [Prices] }), { 'Prices.ask': { rateLimit: 1 } });
    await assert.rejects(misfit.compile(), ConfigurationError);
    const failing = { provide: 'FAILING', useFactory: () => Promise.reject(new Error('not made')) };
    const broken = overridePolicies(builderOf({ providers: [failing] }), { 'Prices.ask': { retry: 7 } });
    await assert.rejects(broken.compile(), /not made/);
    assert.equal(maxAttempts(), 2);
    assert.throws(
      () => overridePolicies({} as never, {}),
      /overridePolicies\(\): expected what Test.createTestingModule/,
    );
  });
});

describe('helpers for tests', () => {
  test('withoutPolicies has a route run its method alone', async () => {
    const app = await start(builderOf({ imports: [AppModule] }));
    const restore = withoutPolicies(AlpineWeather);
    app.get(Weather).failures = 1;
    await assert.rejects(app.get(Weather).forecast('Chur'), /no answer/);
    restore();
    app.get(Weather).failures = 1;
    assert.equal(await app.get(Weather).forecast('Chur'), 'snow in Chur');
    await app.close();
  });

  test('failTimes fails attempts of a provider', async () => {
    resetState();
    const app = await start(builderOf({ imports: [AppModule] }));
    failTimes(app.get(Weather), 'forecast', 2, new Error('offline'));
    assert.equal(await app.get(Weather).forecast('Chur'), 'snow in Chur');
    assert.equal(statsOf(AlpineWeather, 'forecast').attempts, 3);
    await app.close();
  });
});

describe('OperoHealthIndicator', () => {
  test('tells terminus of open and isolated circuits', async () => {
    resetState();
    const app = await start(builderOf({ imports: [AppModule] }));
    const server = app.getHttpServer();
    const { body: well } = await request(server).get('/health').expect(200);
    assert.deepEqual(well.details, { opero: { status: 'up', openCircuits: [] } });

    app.get(Weather).failures = 1;
    await assert.rejects(app.get(Weather).tides('Brest'));
    const openCircuits = [{ method: 'AlpineWeather.tides', open: 1, isolated: 0 }];
    const { body: ill } = await request(server).get('/health').expect(503);
    assert.deepEqual(ill.error, { opero: { status: 'down', openCircuits } });
    const { body: listed } = await request(server).get('/health/listed').expect(200);
    assert.deepEqual(listed.info, { opero: { status: 'up', openCircuits } });

    circuitOf(AlpineWeather, 'tides').reset();
    await request(server).get('/health').expect(200);
    const { [Symbol.dispose]: end } = circuitOf(AlpineWeather, 'tides').isolate();
    const { body: isolated } = await request(server).get('/health').expect(503);
    assert.deepEqual(isolated.error.opero.openCircuits, [{ method: 'AlpineWeather.tides', open: 0, isolated: 1 }]);
    end();
    await request(server).get('/health').expect(200);
    await app.close();
  });
});
