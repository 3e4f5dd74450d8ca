import './globals.js';
import { strict as assert } from 'node:assert';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { describe, test } from 'node:test';
import { circuitOf, policiesOf } from 'opero';
import request from 'supertest';
import { AppModule } from '../page/src/app.module.js';
import { opero } from '../page/src/configured.module.js';
import { HealthModule } from '../page/src/health.module.js';
import { WeatherService } from '../page/src/weather.service.js';
import { builderOf, start } from './start.js';
import '../page/test/weather.e2e-spec.js';

describe('the page', () => {
  test('has a program that starts, and ends by SIGTERM', async () => {
    const { NODE_TEST_CONTEXT: _, ...env } = process.env;
    const program = spawn(process.execPath, [join('page', 'src', 'main.js')], { env: { ...env, PORT: '0' } });
    const exit = once(program, 'exit');
    for await (const line of createInterface(program.stdout)) {
      if (line.includes('successfully started')) program.kill('SIGTERM');
    }
    assert.deepEqual(await exit, [null, 'SIGTERM']);
  });

  test('has a program that governs, counts and limits', async () => {
    const app = await start(builderOf({ imports: [AppModule] }));
    await request(app.getHttpServer()).get('/weather/Davos').expect(200, 'sun in Davos');
    const { body } = await request(app.getHttpServer()).get('/stats').expect(200);
    assert.deepEqual([body.calls, body.attempts, body.retries], [1, 2, 1]);
    await app.close();
  });

  test('has options from a factory', async () => {
    const app = await start(builderOf({ imports: [AppModule, opero] }));
    const retry = policiesOf(WeatherService, 'forecast').find(({ kind }) => kind === 'retry');
    assert.equal(retry?.options.maxAttempts, 5);
    await app.close();
  });

  test('has a health check', async () => {
    const app = await start(builderOf({ imports: [AppModule, HealthModule] }));
    await request(app.getHttpServer()).get('/health').expect(200);
    const { [Symbol.dispose]: end } = circuitOf(WeatherService, 'forecast').isolate();
    const { body } = await request(app.getHttpServer()).get('/health').expect(503);
    const openCircuits = [{ method: 'WeatherService.forecast', open: 0, isolated: 1 }];
    assert.deepEqual(body.error.opero, { status: 'down', openCircuits });
    end();
    await app.close();
  });
});
