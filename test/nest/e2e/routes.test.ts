import { strict as assert } from 'node:assert';
import { after, before, describe, test } from 'node:test';
import type { INestApplication } from '@nestjs/common';
import { policiesOf, statsOf } from 'opero';
import { resetState } from 'opero/testing';
import request from 'supertest';
import { AppModule } from '../app/app.module.js';
import { OrdersController, WeatherController } from '../app/weather.controller.js';
import { AlpineWeather, Orders, Weather } from '../app/weather.js';
import { builderOf, start } from './start.js';

for (const adapter of ['Express', 'Fastify'] as const) {
  describe(`routes over ${adapter}`, () => {
    let app: INestApplication;
    before(async () => {
      resetState();
      app = await start(builderOf({ imports: [AppModule] }), adapter);
    });
    after(() => app.close());

    for (const place of ['above', 'below'] as const) {
      test(`keep guards, pipes, interceptors, parameters and headers, with the route ${place} the policies`, async () => {
        const { body, headers } = await request(app.getHttpServer())
          .get(`/weather/${place}/3?city=Davos`)
          .set('x-key', 'open')
          .expect(200);
        assert.deepEqual(body, { value: 'snow in Davos on day 3' });
        assert.equal(headers['x-kind'], 'forecast');
        const { calls, attempts } = statsOf(WeatherController, place);
        assert.deepEqual({ calls, attempts }, { calls: 1, attempts: 2 });
      });

      test(`have no attempt where the guard or the pipe turns the caller away, with the route ${place}`, async () => {
        const before = statsOf(WeatherController, place).calls;
        const server = app.getHttpServer();
        await request(server).get(`/weather/${place}/3?city=Davos`).expect(401);
        await request(server).get(`/weather/${place}/soon?city=Davos`).set('x-key', 'open').expect(400);
        assert.equal(statsOf(WeatherController, place).calls, before);
      });
    }

    test('keep the status of a route between the policies and its other decorators', async () => {
      await request(app.getHttpServer()).post('/weather/between').expect(202, 'accepted');
    });

    test('have the policies of the base where they are overrides without a decorator of opero', async () => {
      await request(app.getHttpServer()).get('/orders/list/open').expect(200, 'open at attempt 2');
      assert.equal(statsOf(OrdersController, 'list').attempts, 2);
    });

    test('reach providers with class-level policies, inherited too', async () => {
      await request(app.getHttpServer()).get('/orders/7').expect(200, 'order 7 at attempt 2');
      assert.deepEqual(
        policiesOf(Orders, 'find').map(({ kind }) => kind),
        ['retry'],
      );
    });

    test('reach what a factory made, whose override has no decorator', async () => {
      const { Archive } = await import('../app/weather.js');
      app.get(Archive).failures = 2;
      await request(app.getHttpServer()).get('/weather/archive').expect(200, 'once sun in Chur');
      assert.equal(statsOf(Archive, 'forecast').attempts, 3);
    });

    test('reach providers behind another token, with their fallbacks', async () => {
      const weather = app.get(Weather);
      assert.ok(weather instanceof AlpineWeather);
      const before = statsOf(AlpineWeather, 'forecast').attempts;
      weather.failures = 3;
      assert.equal(await weather.forecast('Chur'), 'Chur: nothing known');
      assert.equal(statsOf(AlpineWeather, 'forecast').attempts, before + 3);
    });

    test('are governed in a request scope, each with objects of its own', async () => {
      const server = app.getHttpServer();
      const [first, second] = [await request(server).get('/visits'), await request(server).get('/visits')];
      const number = Number(/^visit (\d+),/.exec(first.text)?.[1]);
      assert.equal(first.text, `visit ${number}, attempt 2, 2 of the route`);
      assert.equal(second.text, `visit ${number + 1}, attempt 2, 2 of the route`);
    });
  });
}
