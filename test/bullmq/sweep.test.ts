import { strict as assert } from 'node:assert';
import { EventEmitter } from 'node:events';
import { describe, type TestContext, test } from 'node:test';
import { boundGreeting } from '../../src/bullmq/greeting.js';
import { Probe } from '../../src/bullmq/probe.js';
import type { JobState } from '../../src/bullmq/scripts.js';
import { StreamReader } from '../../src/bullmq/stream-reader.js';
import { Sweep } from '../../src/bullmq/sweep.js';
import type { WaitingCall } from '../../src/bullmq/waiting-call.js';
import { flush, underFakeClock } from '../support/clock.js';
import { type Deferred, deferred } from '../support/deferred.js';

const state: JobState = {
  isThere: true,
  wasTaken: true,
  hasEnded: true,
  returnValue: '1',
  failedReason: '',
  error: '',
};

/** A Redis that answers when it is told to, or never. */
class Server {
  readonly unanswered: Deferred<void>[] = [];
  sent = 0;

  async ask(): Promise<JobState> {
    this.sent++;
    const answer = deferred();
    this.unanswered.push(answer);
    await answer.promise;
    return state;
  }

  answer(): void {
    for (const each of this.unanswered.splice(0)) each.resolve();
  }

  /** All that waited was lost with its connection. */
  lose(): void {
    this.unanswered.length = 0;
  }
}

/** Calls that ask for their jobs. */
function waiting(count: number, server: Server) {
  let silences = 0;
  const pending = new Map<string, WaitingCall>();
  const probe = new Probe(
    () => server.ask(),
    () => silences++,
    0,
  );
  const link = { pending, answers: () => probe.answers(), readReplies: async () => {} };
  const sweep = new Sweep(link);
  for (let at = 0; at < count; at++) {
    const call = {
      id: `${at}`,
      isSettled: false,
      askAt: 0,
      receive() {},
      look: () => server.ask(),
      hear() {},
      endBy() {
        call.isSettled = true;
        pending.delete(call.id);
      },
    };
    pending.set(call.id, call);
  }
  sweep.begin();
  const replaceConnection = (): void => {
    probe.forget();
    sweep.forget();
  };
  return { pending, sweep, replaceConnection, silences: () => silences };
}

describe('calls that have heard nothing for long', () => {
  /** So many looks. */
  async function looks(clock: { tick(ms: number): number }, count: number, between: () => void = () => {}) {
    for (let look = 0; look < count; look++) {
      clock.tick(5_000);
      // Patience is of real time.
      await new Promise<void>((resolve) => setTimeoutOfNode(resolve, 2));
      await flush();
      between();
    }
  }
  const setTimeoutOfNode = setTimeout;

  test('send one command in all while Redis is silent, however long, and ask once it answers', async () => {
    await underFakeClock(async (clock) => {
      const server = new Server();
      const { pending, silences } = waiting(100, server);
      await looks(clock, 50);
      assert.equal(server.unanswered.length, 1);
      assert.ok(silences() >= 2, `${silences()}`);
      await looks(clock, 10, () => server.answer());
      assert.equal(pending.size, 0);
    });
  });

  test('ask again by another connection, where what they asked before was lost with it', async () => {
    await underFakeClock(async (clock) => {
      const server = new Server();
      const { pending, replaceConnection } = waiting(100, server);
      // The first command is answered, and the connection dies with those of all calls.
      while (server.sent < 1) await looks(clock, 1);
      server.answer();
      while (server.sent < 101) await looks(clock, 1);
      await looks(clock, 20);
      assert.ok(server.unanswered.length <= 102, `${server.unanswered.length}`);
      server.lose();
      replaceConnection();
      await looks(clock, 10, () => server.answer());
      assert.equal(pending.size, 0);
    });
  });

  test('send one more command by each connection that is silent as well', async () => {
    await underFakeClock(async (clock) => {
      const server = new Server();
      const { replaceConnection } = waiting(100, server);
      for (let connection = 1; connection <= 5; connection++) {
        await looks(clock, 10);
        assert.equal(server.unanswered.length, connection);
        replaceConnection();
      }
    });
  });

  test('ask no more than 1,000 at once', async () => {
    await underFakeClock(async (clock) => {
      const server = new Server();
      const { pending } = waiting(2_500, server);
      let most = 0;
      await looks(clock, 20, () => {
        most = Math.max(most, server.unanswered.length);
        server.answer();
      });
      assert.equal(pending.size, 0);
      assert.equal(most, 1_000);
    });
  });

  test('one whose job cannot be asked for delays no other', async () => {
    await underFakeClock(async (clock) => {
      const server = new Server();
      const { pending } = waiting(2, server);
      const [first] = pending.values();
      Object.assign(first as object, { look: () => new Promise(() => {}) });
      await looks(clock, 5, () => server.answer());
      assert.deepEqual([...pending.keys()], ['0']);
    });
  });
});

describe('a connection that is silent', () => {
  /** What waits for Redis holds no program, and so no test. */
  function held(t: TestContext): void {
    const timer = setInterval(() => {}, 1_000);
    t.after(() => clearInterval(timer));
  }

  test('is not said to be so where it was replaced meanwhile', async (t) => {
    held(t);
    const server = new Server();
    // The new connection answers at once.
    const probe = new Probe(() => (server.sent === 0 ? server.ask() : Promise.resolve()), assert.fail, 20);
    const asking = probe.answers();
    probe.forget();
    assert.equal(await asking, true);
  });

  test('is none that gives errors', async () => {
    const probe = new Probe(() => Promise.reject(new Error('LOADING')), assert.fail);
    assert.equal(await probe.answers(), true);
    assert.equal(await probe.answers(), true);
  });

  test('has one read of a stream waiting, is replaced, and another one then reads on', async (t) => {
    held(t);
    const reads: Deferred<unknown>[] = [];
    const replaced: boolean[] = [];
    const client = Object.assign(new EventEmitter(), {
      status: 'ready',
      xread() {
        const read = deferred<unknown>();
        reads.push(read);
        onRead();
        return read.promise;
      },
      disconnect(again?: boolean) {
        replaced.push(again === true);
        onReplaced();
      },
    });
    let onRead = (): void => {};
    let onReplaced = (): void => {};
    const isReplaced = (times: number) =>
      new Promise<void>((resolve) => {
        onReplaced = () => replaced.length >= times && resolve();
      });
    const told: string[] = [];
    const reader = new StreamReader(client as never, 'k', (entries) => told.push(...entries.map(({ id }) => id)), 5);
    await isReplaced(5);
    assert.equal(reads.length, 1);
    const again = new Promise<void>((resolve) => {
      onRead = resolve;
    });
    client.emit('ready');
    await again;
    reads[1]?.resolve([['k', [['1-0', ['job', 'a']]]]]);
    await isReplaced(replaced.length + 1);
    assert.deepEqual(told, ['1-0']);
    assert.equal(reader.last, '1-0');
    reader.close();
  });

  test('is replaced where it never greets, and not once it has', async (t) => {
    held(t);
    const client = Object.assign(new EventEmitter(), { disconnect: (again: boolean) => replaced(again) });
    let replaced = (_again: boolean): void => assert.fail('it was greeted');
    boundGreeting(client, 20);
    for (const event of ['ready', 'close']) {
      client.emit('connect');
      client.emit(event);
    }
    const replacing = new Promise((resolve) => {
      replaced = resolve;
    });
    client.emit('connect');
    assert.equal(await replacing, true);
  });
});
