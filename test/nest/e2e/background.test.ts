import { strict as assert } from 'node:assert';
import type { AddressInfo, Server } from 'node:net';
import { after, before, describe, test } from 'node:test';
import type { INestApplication, INestMicroservice } from '@nestjs/common';
import { EventEmitter2 } from '@nestjs/event-emitter';
import { type ClientProxy, ClientProxyFactory, type MicroserviceOptions, Transport } from '@nestjs/microservices';
import { SchedulerRegistry } from '@nestjs/schedule';
import { statsOf } from 'opero';
import { resetState } from 'opero/testing';
import { firstValueFrom } from 'rxjs';
import { AppModule } from '../app/app.module.js';
import { Background, MessagesController } from '../app/background.js';
import { builderOf, start } from './start.js';

describe('background work', () => {
  let app: INestApplication;
  before(async () => {
    resetState();
    app = await start(builderOf({ imports: [AppModule] }));
  });
  after(() => app.close());

  for (const place of ['above', 'below'] as const) {
    test(`a @Cron ${place} the policies is tried again`, async () => {
      const done = new Promise((resolve) => {
        app.get(Background).onDone = resolve;
      });
      await app.get(SchedulerRegistry).getCronJob(place).fireOnTick();
      assert.equal(await done, `cron ${place}`);
      assert.equal(statsOf(Background, place === 'above' ? 'cronAbove' : 'cronBelow').attempts, 2);
    });

    test(`an @OnEvent ${place} the policies is tried again`, async () => {
      await app.get(EventEmitter2).emitAsync(`order.${place}`, 7);
      assert.equal(app.get(Background).done.at(-1), 'order 7');
      assert.equal(statsOf(Background, place === 'above' ? 'eventAbove' : 'eventBelow').attempts, 2);
    });
  }
});

describe('messages over TCP', () => {
  let app: INestApplication;
  let service: INestMicroservice;
  let client: ClientProxy;
  before(async () => {
    resetState();
    app = await start(builderOf({ imports: [AppModule] }));
    service = app.connectMicroservice<MicroserviceOptions>(
      { transport: Transport.TCP, options: { host: '127.0.0.1', port: 0 } },
      { inheritAppConfig: true },
    ) as INestMicroservice;
    await app.startAllMicroservices();
    const { port } = service.unwrap<Server>().address() as AddressInfo;
    client = ClientProxyFactory.create({ transport: Transport.TCP, options: { host: '127.0.0.1', port } });
    await client.connect();
  });
  after(async () => {
    client.close();
    await app.close();
  });

  test('a pattern above the policies is tried again, with its payload', async () => {
    assert.equal(await firstValueFrom(client.send('sum', [1, 2, 3])), 6);
    assert.equal(statsOf(MessagesController, 'sum').attempts, 2);
  });

  test('a pattern below the policies is tried again, with a part of its payload', async () => {
    assert.equal(await firstValueFrom(client.send('product', { numbers: [2, 3, 4] })), 24);
    assert.equal(statsOf(MessagesController, 'product').attempts, 2);
  });

  test('an event is tried again', async () => {
    const noted = new Promise((resolve) => {
      MessagesController.onNoted = resolve;
    });
    await firstValueFrom(client.emit('noted', 'hail'), { defaultValue: undefined });
    assert.equal(await noted, 'hail');
  });

  test('the filter passes the error on to who asked', async () => {
    assert.equal(await firstValueFrom(client.send('limited', {})), 'passed');
    await assert.rejects(firstValueFrom(client.send('limited', {})), (error: Record<string, unknown>) => {
      assert.equal(error.policy, 'rateLimit');
      assert.equal(error.reason, 'queue-full');
      return true;
    });
  });
});
