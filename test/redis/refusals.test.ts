import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Redis } from 'ioredis';
import { RejectedError, StoreError, type StoreOptions } from 'opero';
import { deferred } from '../support/deferred.js';
import { rejection } from '../support/rejection.js';
import { assertWindows } from '../support/starts.js';
import { BadNetwork } from './support/bad-network.js';
import { type Connect, clients, processOf } from './support/process-of.js';
import { missing, RedisServer } from './support/server.js';

/** How slowly a server loads, in microseconds a key, and how often it answers meanwhile. */
const slowly = ['--key-load-delay', '100', '--loading-process-events-interval-bytes', '1024'];
const many = 8_000;

type WhenDown = NonNullable<StoreOptions['whenDown']>;
type Process = Awaited<ReturnType<typeof processOf>>;
const isDown = ({ events }: Process): boolean =>
  events.findLast(({ type }) => type === 'down' || type === 'up')?.type === 'down';

/** What calls do while it is down; each gives what is to be so once it is back, with as many earlier starts as it has kept. */
const whileDown: Readonly<Record<WhenDown, (one: Process, why: RegExp, kept: number) => Promise<() => Promise<void>>>> =
  {
    async local({ api }, _why, kept) {
      const outcomes = await Promise.allSettled(Array.from({ length: 8 }, () => api.get()));
      const failed = outcomes.filter((each) => each.status === 'rejected');
      // Its share is a half of eight, of which one was used before.
      assert.equal(outcomes.length - failed.length, 3);
      for (const { reason } of failed) assert.ok(reason instanceof RejectedError, String(reason));
      return async () => {
        const later = await Promise.allSettled(Array.from({ length: 8 }, () => api.get()));
        assert.equal(later.filter(({ status }) => status === 'fulfilled').length, 8 - 3 - kept);
      };
    },
    async wait({ api }) {
      let hasStarted = false;
      const rate = api.wait();
      const slot = api.hold(Promise.resolve());
      const either = Promise.race([rate, slot]).finally(() => {
        hasStarted = true;
      });
      for (const each of [rate, slot, either]) each.catch(() => {});
      await new Promise((resolve) => setTimeout(resolve, 100));
      assert.equal(hasStarted, false);
      return async () => void (await Promise.all([rate, slot, either]));
    },
    async reject({ api }, why) {
      for (const call of [api.get(), api.hold(Promise.resolve())]) {
        const error = await rejection(call);
        assert.ok(error instanceof StoreError);
        assert.match(String(error.cause), why);
      }
      return () => api.get();
    },
    async open({ api }) {
      const { promise, resolve } = deferred<void>();
      const holds = [api.hold(promise), api.hold(promise)];
      await Promise.all(Array.from({ length: 30 }, () => api.get()));
      resolve();
      await Promise.all(holds);
      // What was started meanwhile is known by now.
      return async () => void (await rejection(api.get()));
    },
  };

describe('a Redis that answers, and refuses', { skip: missing }, () => {
  let server: RedisServer;
  let other: RedisServer;
  let direct: Redis;
  before(async () => {
    [server, other] = await Promise.all([
      // What it has said is kept when it is killed: with the default, a write waits for the sync of those before.
      RedisServer.start('--appendonly', 'yes', '--appendfsync', 'always', '--repl-diskless-sync-delay', '0', ...slowly),
      RedisServer.start('--repl-diskless-sync-delay', '0', '--enable-debug-command', 'yes'),
    ]);
    direct = new Redis(server.port);
    direct.on('error', () => {});
    for (const { port } of [server, other]) {
      const client = new Redis(port);
      const fill = client.pipeline();
      for (let n = 0; n < many; n++) fill.set(`filler:${n}`, 'x');
      await fill.exec();
      client.disconnect();
    }
  });
  after(async () => {
    direct?.disconnect();
    await server?.stop();
    await other?.stop();
  });

  /** Waits until the server loads, or does so no more. */
  async function untilLoads(loads: boolean): Promise<void> {
    const looking = new Redis({ port: server.port, enableReadyCheck: false, retryStrategy: () => 20 });
    looking.on('error', () => {});
    for (;;) {
      const answer = await looking.get('filler:0').catch(String);
      if (/LOADING/.test(String(answer)) === loads) break;
    }
    looking.disconnect();
  }

  /** Tries all four ways around a time in which the server refuses; `begin` gives what ends that. */
  async function refuses(
    connect: Connect,
    why: RegExp,
    begin: () => Promise<() => Promise<unknown>>,
    options: StoreOptions & { readonly kept: number },
  ) {
    const { kept, ...others } = options;
    const prefix = `r${Math.random()}`;
    const ways = Object.keys(whileDown) as WhenDown[];
    const all = await Promise.all(
      ways.map((whenDown) =>
        processOf(connect, server.port, `${prefix}${whenDown}`, { ...others, whenDown, processes: 2 }),
      ),
    );
    try {
      for (const { api } of all) await Promise.all([api.get(), api.wait(), api.hold(Promise.resolve())]);
      const told = all.map((each) => each.tells('down'));
      const end = await begin();
      const afterwards = await Promise.all(all.map((each, at) => whileDown[ways[at] as WhenDown](each, why, kept)));
      for (const each of told) assert.match(String((await each).error), why);
      assert.ok(all.every(isDown));
      const back = all.map((each) => each.tells('up'));
      await end();
      await Promise.all(back);
      for (const each of afterwards) await each();
    } finally {
      for (const each of all) await each.close();
    }
  }

  for (const [name, connect] of Object.entries(clients)) {
    test(`READONLY, by ${name}: it counts as down, until it is a master again`, async () => {
      await refuses(
        connect,
        /READONLY/,
        async () => {
          // Another server has all that it has, and takes its place.
          const heir = new Redis(other.port);
          await heir.replicaof('127.0.0.1', server.port);
          while (!String(await heir.info('replication')).includes('master_link_status:up'));
          await heir.replicaof('NO', 'ONE');
          await direct.replicaof('127.0.0.1', other.port);
          return async () => {
            await direct.replicaof('NO', 'ONE');
            heir.disconnect();
          };
        },
        { kept: 1 },
      );
    });

    test(`LOADING, by ${name}: a server that loads what another one has is down until it has`, async () => {
      await refuses(
        connect,
        /LOADING/,
        async () => {
          const source = new Redis(other.port);
          await source.replicaof('NO', 'ONE');
          await source.debug('CHANGE-REPL-ID');
          source.disconnect();
          await direct.replicaof('127.0.0.1', other.port);
          await untilLoads(true);
          return async () => {
            await untilLoads(false);
            await direct.replicaof('NO', 'ONE');
          };
        },
        { kept: 0 },
      );
    });

    test(`LOADING, by ${name}: a server that was started again is down until it has loaded`, async () => {
      const restart = async () => {
        await server.kill();
        const starting = server.start();
        await untilLoads(true);
        return () => starting;
      };
      await refuses(connect, /LOADING|no answer|closed|ECONN/, restart, { kept: 1, timeout: 500 });
    });

    test(`by ${name}: another server takes the place of the master, and no window holds too many`, async () => {
      const network = await BadNetwork.before(server.port);
      const heir = new Redis(other.port);
      await heir.replicaof('127.0.0.1', server.port);
      while (!String(await heir.info('replication')).includes('master_link_status:up'));
      const one = await processOf(connect, network.port, `h${Math.random()}`, { whenDown: 'wait' });
      await Promise.all(Array.from({ length: 10 }, () => one.api.start()));
      await direct.wait(1, 5_000);
      await heir.replicaof('NO', 'ONE');
      await direct.replicaof('127.0.0.1', other.port);
      const [down, up] = [one.tells('down'), one.tells('up')];
      const calls = Array.from({ length: 10 }, () => one.api.start());
      assert.match(String((await down).error), /READONLY/);
      network.target = other.port;
      network.cut();
      await up;
      await Promise.all(calls);
      assertWindows(
        one.starts.toSorted((earlier, later) => earlier - later),
        10,
        1500,
      );
      await one.close();
      await network.close();
      await direct.replicaof('NO', 'ONE');
      heir.disconnect();
    });
  }
});
