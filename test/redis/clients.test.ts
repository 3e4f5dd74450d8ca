import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Redis } from 'ioredis';
import { ConfigurationError, rateLimit } from 'opero';
import { type RedisClient, redisStore } from 'opero/redis';
import { createClient, createClientPool, createCluster, createSentinel } from 'redis';
import { missing, RedisServer } from './support/server.js';

describe('the client of a store', () => {
  test('is one of those that are known', () => {
    const send = async (): Promise<unknown> => [];
    const ended = new Redis({ lazyConnect: true });
    const clients = [createClient(), createCluster({ rootNodes: [{ url: 'redis://a:1' }] }), ended, { send }];
    for (const client of clients) assert.ok(redisStore(client));
  });

  for (const [what, client] of Object.entries({
    'a pool of node-redis': createClientPool(),
    'one of node-redis for sentinels': createSentinel({ name: 'a', sentinelRootNodes: [{ host: 'a', port: 1 }] }),
    'an old one of node-redis': createClient().legacy(),
    'one whose `subscribe` is no function': { send: async () => [], subscribe: 1 },
    'one without `send`': { subscribe: async () => () => {} },
    'a text': 'redis://localhost',
  })) {
    test(`is not ${what}`, () => {
      assert.throws(
        () => redisStore(client as unknown as RedisClient),
        (error) =>
          error instanceof ConfigurationError && /redisStore\(\): expected the client to be /.test(error.message),
      );
    });
  }
});

describe('a client that may not subscribe', { skip: missing }, () => {
  const user = { username: 'mute', password: 'm' };
  for (const [kind, connect] of Object.entries({
    async ioredis(port: number) {
      const client = new Redis({ port, ...user });
      return { client, end: () => client.disconnect() };
    },
    async 'node-redis'(port: number) {
      const client = createClient({ ...user, socket: { port } });
      client.on('error', () => {});
      await client.connect();
      return { client, end: () => client.destroy() };
    },
  })) {
    test(`leaves no connection behind, by ${kind}`, async () => {
      const server = await RedisServer.start();
      const admin = new Redis(server.port);
      await admin.call('ACL', 'SETUSER', 'mute', 'on', '>m', '~*', '+@all', 'resetchannels');
      const { client, end } = await connect(server.port);
      const store = redisStore(client);
      class Api {
        @rateLimit({ rate: 1000, store, name: 'api' })
        async get(): Promise<void> {}
      }
      await new Api().get();
      const clients = async (): Promise<string[]> =>
        ((await admin.call('CLIENT', 'LIST')) as string)
          .trim()
          .split('\n')
          .filter((each) => each.includes('user=mute'));
      // It has tried once its attempt is in the log, and it is over once that one is gone.
      while (!((await admin.call('ACL', 'LOG')) as unknown[]).flat().includes('channel'));
      while ((await clients()).length > 1);
      assert.equal((await clients()).length, 1);
      await store.close();
      await end();
      admin.disconnect();
      await server.stop();
    });
  }
});
