import { strict as assert } from 'node:assert';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, describe, test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { EventEmitter2 } from '@nestjs/event-emitter';
import request from 'supertest';
import { AppModule } from '../app/app.module.js';
import { Background } from '../app/background.js';
import { openWhenClosing } from '../app/gate.js';
import { LimitsController } from '../app/limits.controller.js';
import { builderOf, start } from './start.js';

let child: ChildProcess | undefined;
afterEach(() => child?.kill('SIGKILL'));

describe('a shutdown', () => {
  test('by SIGTERM lets a running request end', async () => {
    const { NODE_TEST_CONTEXT: _, ...env } = process.env;
    const program = spawn(process.execPath, [join('app', 'main.js')], { env, stdio: ['ignore', 'pipe', 'inherit'] });
    child = program;
    const exit = once(program, 'exit');
    const lines = createInterface(program.stdout)[Symbol.asyncIterator]();
    const { value: url } = await lines.next();
    const answer = fetch(`${url}/limits/slot`);
    assert.equal((await lines.next()).value, 'a request is held');
    program.kill('SIGTERM');
    assert.equal(await (await answer).text(), 'passed');
    assert.deepEqual(await exit, [null, 'SIGTERM']);
  });

  for (const adapter of ['Express', 'Fastify'] as const) {
    test(`by close() lets a running request end, over ${adapter}`, async () => {
      const app = await start(builderOf({ imports: [AppModule] }), adapter);
      await app.listen(0, '127.0.0.1');
      const { gate } = app.get(LimitsController);
      const order: string[] = [];
      openWhenClosing(app, gate, () => order.push('no more requests'));
      const answer = request(await app.getUrl())
        .get('/limits/slot')
        .expect(200, 'passed');
      const given = answer.then();
      await gate.reached();
      await app.close();
      order.push('closed');
      await given;
      assert.deepEqual(order, ['no more requests', 'closed']);
    });
  }

  test('waits for what runs in the background, after the last request', async () => {
    const app = await start(builderOf({ imports: [AppModule] }));
    const background = app.get(Background);
    const order: string[] = [];
    await app.listen(0, '127.0.0.1');
    app.getHttpServer().once('close', async () => {
      // Who does not wait for the calls has closed by then.
      for (let turn = 0; turn < 50; turn++) await setImmediate();
      order.push('server closed');
      background.gate.open();
    });
    background.onDone = (what) => order.push(what);
    app.get(EventEmitter2).emit('order.held', 7);
    await background.gate.reached();
    await app.close();
    order.push('closed');
    assert.deepEqual(order, ['server closed', 'held order 7', 'closed']);
  });
});
