import { strict as assert } from 'node:assert';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { type INestApplication, Module } from '@nestjs/common';
import { ExecutionContextHost } from '@nestjs/core/helpers/execution-context-host.js';
import { AllFailedError, circuitOf, RejectedError, TimeoutError } from 'opero';
import { OperoExceptionFilter, OperoModule } from 'opero/nestjs';
import { resetState } from 'opero/testing';
import { isObservable, lastValueFrom } from 'rxjs';
import request from 'supertest';
import { AppModule } from '../app/app.module.js';
import { LimitsController } from '../app/limits.controller.js';
import { AlpineWeather, Weather } from '../app/weather.js';
import { builderOf, start } from './start.js';

/** The routes with a filter that nobody tells of an adapter. */
@Module({
  imports: [OperoModule.forRoot()],
  controllers: [LimitsController],
  providers: [{ provide: Weather, useClass: AlpineWeather }],
})
class ByHandModule {}

const ways = {
  'as APP_FILTER': async (adapter: 'Express' | 'Fastify') => start(builderOf({ imports: [AppModule] }), adapter),
  'made by hand': async (adapter: 'Express' | 'Fastify') =>
    start(builderOf({ imports: [ByHandModule] }), adapter, (app) => app.useGlobalFilters(new OperoExceptionFilter())),
};

for (const adapter of ['Express', 'Fastify'] as const) {
  for (const [way, make] of Object.entries(ways)) {
    describe(`the filter ${way}, over ${adapter}`, () => {
      let app: INestApplication;
      beforeEach(async () => {
        resetState();
        app = await make(adapter);
      });
      afterEach(() => app.close());

      const get = (path: string) => request(app.getHttpServer()).get(`/limits/${path}`);

      test('answers 429 with Retry-After for a rate limit', async () => {
        await get('rate').expect(200, 'passed');
        const { headers, body } = await get('rate').expect(429);
        assert.match(String(headers['retry-after']), /^(89|90)$/);
        assert.deepEqual(body, { statusCode: 429, message: 'Too Many Requests' });
      });

      test('answers 429 without Retry-After for a full queue', async () => {
        const { gate } = app.get(LimitsController);
        const first = get('slot').then(({ text }) => text);
        await gate.reached();
        const { headers } = await get('slot').expect(429);
        assert.equal(headers['retry-after'], undefined);
        gate.open();
        assert.equal(await first, 'passed');
      });

      test('answers 503 with Retry-After for an open circuit, and with an error of several attempts that ends so', async () => {
        app.get(Weather).failures = 1;
        await get('tides').expect(500);
        for (const path of ['tides', 'again', 'nowhere']) {
          const { headers, body } = await get(path).expect(503);
          assert.match(String(headers['retry-after']), /^(89|90)$/, path);
          assert.deepEqual(body, { statusCode: 503, message: 'Service Unavailable' });
        }
      });

      test('answers 503 without Retry-After for a circuit that is isolated by hand', async () => {
        const { [Symbol.dispose]: end } = circuitOf(AlpineWeather, 'tides').isolate();
        const { headers } = await get('tides').expect(503);
        assert.equal(headers['retry-after'], undefined);
        end();
      });

      test('answers 504 for what took too long', async () => {
        const { headers, body } = await get('late').expect(504);
        assert.equal(headers['retry-after'], undefined);
        assert.deepEqual(body, { statusCode: 504, message: 'Gateway Timeout' });
      });

      test('leaves all other errors to Nest', async () => {
        await get('missing').expect(404, { statusCode: 404, message: 'no such harbour', error: 'Not Found' });
        await get('broken').expect(500, { statusCode: 500, message: 'Internal server error' });
      });
    });
  }
}

describe('the filter outside HTTP', () => {
  const filter = new OperoExceptionFilter();
  const hostOf = (type: string) => {
    const host = new ExecutionContextHost([]);
    host.setType(type);
    return host;
  };

  test('gives a microservice what fails with the error', async () => {
    const error = new TimeoutError('too long', 10, 'attempt');
    const given = filter.catch(error, hostOf('rpc'));
    assert.ok(isObservable(given));
    await assert.rejects(lastValueFrom(given), error);
  });

  test('gives others the error itself, whatever it holds', () => {
    for (const error of [
      new RejectedError('full', 'concurrency', 'queue-full'),
      new AllFailedError('all', [new Error('first'), new TimeoutError('too long', 10, 'total')]),
    ]) {
      assert.equal(filter.catch(error, hostOf('graphql')), error);
    }
  });
});
