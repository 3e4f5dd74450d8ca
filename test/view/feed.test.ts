import { strict as assert } from 'node:assert';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { type Clock, install } from '@sinonjs/fake-timers';
import { circuitBreaker, concurrency, fallback, Orchestrator, retry } from 'opero';
import { startView, type View } from 'opero/view';
import type { Everything, MethodState, TenMinutes } from '../../src/view/protocol.js';
import { runProgram } from '../support/run-program.js';
import { ask, listenTo } from '../support/view.js';

class HttpError extends Error {}

let fails = 0;

class Shop {
  @retry({ maxAttempts: 3, waitMin: 0 })
  @fallback({ value: 'nothing' })
  async buy(): Promise<string> {
    if (fails-- > 0) throw new HttpError('503');
    return 'bought';
  }

  @concurrency({ limit: 2, maxQueue: 1 })
  async wait(ms: number): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, ms));
  }

  @circuitBreaker(1)
  async fail(thrown: unknown): Promise<never> {
    throw thrown;
  }

  @retry(1)
  static async open(): Promise<void> {}
}

const shop = new Shop();
let clock: Clock;
let view: View;

const named = (methods: readonly MethodState[], name: string): MethodState => {
  const found = methods.find(({ className, method }) => `${className}.${method}` === name);
  assert.ok(found, name);
  return found;
};
const snapshot = async (): Promise<Everything> => JSON.parse((await ask(view.port, '/snapshot')).text) as Everything;
const tick = (seconds = 1): void => {
  for (let second = 0; second < seconds; second++) clock.tick(1000);
};

beforeEach(async () => {
  clock = install({ now: 1_800_000_000_000, toFake: ['setTimeout', 'clearTimeout', 'performance', 'Date'] });
  view = await startView();
});
afterEach(async () => {
  await view.close();
  clock.uninstall();
});

describe('a view tells', () => {
  test('of the program, and of each method that there is', async () => {
    await Shop.open();
    const { program, controls, at, methods } = await snapshot();
    assert.deepEqual([program.pid, program.node, controls, at], [process.pid, process.version, false, Date.now()]);
    assert.match(program.name, /\/feed\.test\.js$/);
    const { policies, static: isStatic } = named(methods, 'Shop.buy');
    assert.deepEqual([policies, isStatic], [['fallback', 'retry'], false]);
    assert.equal(named(methods, 'Shop.open').static, true);
  });

  test('how many calls ended in a second, and in the mean of ten', async () => {
    tick(10);
    for (let call = 0; call < 20; call++) await shop.buy();
    tick();
    let buy = named((await snapshot()).methods, 'Shop.buy');
    assert.deepEqual([buy.calls, buy.rate, buy.failed], [20, 2, 0]);
    tick();
    buy = named((await snapshot()).methods, 'Shop.buy');
    assert.deepEqual([buy.calls, buy.rate], [0, 2]);
    tick(9);
    buy = named((await snapshot()).methods, 'Shop.buy');
    assert.deepEqual([buy.calls, buy.rate, buy.p50], [0, 0, undefined]);
  });

  test('how long calls took, to within 7 %', async () => {
    const calls: Promise<void>[] = [];
    for (let each = 1; each <= 100; each++) {
      const call = shop.wait(each === 100 ? 500 : 40);
      await clock.tickAsync(each === 100 ? 500 : 40);
      calls.push(call);
    }
    await Promise.all(calls);
    await clock.tickAsync(1000 - (clock.now % 1000));
    const { p50 = 0, p99 = 0 } = named((await snapshot()).methods, 'Shop.wait');
    assert.ok(Math.abs(p50 - 40) < 40 * 0.07, `p50: ${p50}`);
    assert.ok(p99 < 500 * 1.07, `p99: ${p99}`);
  });

  test('what runs and waits, how full the limit is, and why others were turned away', async () => {
    const calls = [shop.wait(5000), shop.wait(5000), shop.wait(5000)];
    await assert.rejects(shop.wait(1), { reason: 'queue-full' });
    tick();
    const { running, queued, limit, rejectedBy, lastError } = named((await snapshot()).methods, 'Shop.wait');
    assert.deepEqual([running, queued, limit], [2, 1, 2]);
    assert.deepEqual(rejectedBy, [['queue-full', 1]]);
    assert.equal(lastError?.name, 'RejectedError');
    await clock.tickAsync(10_000);
    await Promise.all(calls);
  });

  test('of retries by the class of what led to them, of fallbacks, and of the last error', async () => {
    const before = named((await snapshot()).methods, 'Shop.buy');
    fails = 3;
    const call = shop.buy();
    await clock.tickAsync(500);
    assert.equal(await call, 'nothing');
    const after = named((await snapshot()).methods, 'Shop.buy');
    assert.equal(after.retries - before.retries, 2);
    assert.deepEqual(after.retriesBy, [['HttpError', 2]]);
    assert.equal(after.fallbacks - before.fallbacks, 1);
    assert.equal(after.lastError?.name, 'HttpError');
    assert.equal(after.failedAt, undefined);
  });

  test('of a circuit that turned calls away', async () => {
    await assert.rejects(shop.fail(new HttpError()));
    await assert.rejects(shop.fail(new HttpError()));
    const { rejectedBy, failedAt, lastError } = named((await snapshot()).methods, 'Shop.fail');
    assert.deepEqual(rejectedBy, [['circuit open', 1]]);
    assert.deepEqual([failedAt, lastError?.name], [Date.now(), 'CircuitOpenError']);
  });

  test('of what an Orchestrator runs in one row, whatever the functions are called', async () => {
    const orchestrator = new Orchestrator({ retry: 1 });
    for (let each = 0; each < 50; each++) {
      await orchestrator.execute(Object.defineProperty(() => each, 'name', { value: `fn${each}` }));
    }
    tick();
    const { methods } = await snapshot();
    assert.equal(named(methods, 'Orchestrator.*').calls, 50);
    assert.equal(methods.filter(({ className }) => className === 'Orchestrator').length, 1);
  });

  test('the last ten minutes, of which a page that comes later is told too', async () => {
    tick(5);
    await shop.buy();
    tick();
    const { id } = named((await snapshot()).methods, 'Shop.buy');
    tick(30);
    const { calls, failed, p50 } = JSON.parse((await ask(view.port, `/history?id=${id}`)).text) as TenMinutes;
    assert.deepEqual([calls.length, failed.length, p50.length], [600, 600, 600]);
    assert.deepEqual(calls.slice(-36, -28), [0, 0, 0, 0, 0, 1, 0, 0]);
    assert.equal(calls.at(-37), null);
    assert.equal(p50.filter((value) => value !== null).length, 10);
    const { id: idle } = named((await snapshot()).methods, 'Shop.open');
    const none = JSON.parse((await ask(view.port, `/history?id=${idle}`)).text) as TenMinutes;
    assert.deepEqual(none.calls.slice(-37, -35), [null, 0]);
  });

  test('classes, methods and errors of any name, as they are', async () => {
    const hostile = `"><img src=x onerror=alert(1)>\n\ndata: {}`;
    const Named = {
      [hostile]: class {
        @retry(1)
        async 'to string'(): Promise<never> {
          throw new { [hostile]: class extends Error {} }[hostile]();
        }
      },
    }[hostile] as new () => { 'to string'(): Promise<never> };
    await assert.rejects(new Named()['to string']());
    const { methods } = await snapshot();
    const found = named(methods, `${hostile}.to string`);
    assert.equal(found.lastError?.name, hostile);
    const listener = await listenTo(view);
    assert.equal(named((await listener.everything()).methods, `${hostile}.to string`).id, found.id);
    listener.close();
  });

  test('what was thrown, whatever it is, and no more names than twenty', async () => {
    const strange: [unknown, string][] = [
      ['text', 'string'],
      [undefined, 'undefined'],
      [null, 'null'],
      [Object.create(null), '(unknown)'],
      [new (class {})(), '(anonymous class)'],
      [new Proxy({}, { get: () => assert.fail('asked') }), '(unknown)'],
      [{ constructor: { name: 'x'.repeat(1000) } }, `${'x'.repeat(99)}…`],
    ];
    for (const [thrown, name] of strange) {
      class Each {
        @retry(1)
        async fail(): Promise<never> {
          throw thrown;
        }
      }
      await new Each().fail().catch(() => {});
      assert.equal(named((await snapshot()).methods, 'Each.fail').lastError?.name, name);
    }
    class Many {
      @retry({ maxAttempts: 2, waitMin: 0 })
      async fail(error: Error): Promise<never> {
        throw error;
      }
    }
    const many = new Many();
    for (let each = 0; each < 30; each++) {
      const name = `Error${each}`;
      const call = many.fail(new { [name]: class extends Error {} }[name]()).catch(() => {});
      await clock.tickAsync(1);
      await call;
    }
    const { retriesBy } = named((await snapshot()).methods, 'Many.fail');
    assert.equal(retriesBy.length, 21);
    assert.deepEqual(retriesBy[0], ['(other)', 10]);
  });
});

describe('those who listen', () => {
  test('get everything first, and each second what has changed, made once for all of them', async () => {
    const [one, other] = await Promise.all([listenTo(view), listenTo(view)]);
    const [first, second] = [await one.next(), await other.next()];
    assert.equal(first.event, 'all');
    assert.equal(second.data, first.data);
    // What has changed since it was told first.
    tick();
    await Promise.all([one.next(), other.next()]);
    await shop.buy();
    tick();
    const [toOne, toOther] = [await one.next(), await other.next()];
    assert.equal(toOne.event, 'changes');
    assert.equal(toOne.data, toOther.data);
    const { methods, seconds } = JSON.parse(toOne.data) as { methods: MethodState[]; seconds: number };
    assert.deepEqual(
      methods.map(({ method }) => method),
      ['buy'],
    );
    assert.equal(seconds, 1);
    one.close();
    other.close();
  });

  test('are told how many seconds are over where the program was too busy to tell', async () => {
    const listener = await listenTo(view);
    await listener.everything();
    // Timers come late where the thread is busy: at one moment the clock is there at once.
    clock.setSystemTime(Date.now());
    clock.jump(4200);
    assert.equal((await listener.changes()).seconds, 4);
    listener.close();
  });

  test('are told that the view has ended', async () => {
    const listener = await listenTo(view);
    await listener.everything();
    await view.close();
    await assert.rejects(listener.next());
  });

  test('who take nothing have nothing pile up, and are let go after thirty seconds', async () => {
    const { code, stdout, stderr } = await runProgram('slow-listener', { flags: ['--expose-gc'] });
    assert.equal(stderr, '');
    assert.equal(code, 0);
    const { told, kept, letGoAfter } = JSON.parse(stdout) as { told: number; kept: number; letGoAfter: number };
    assert.ok(told > 10_000_000, `${told} bytes were to be told`);
    assert.ok(kept < 2_500_000, `${kept} bytes were kept`);
    assert.ok(letGoAfter >= 30 && letGoAfter < 100, `after ${letGoAfter} s`);
  });
});

describe('a view', () => {
  test('holds no program alive, nor does who listens to it', async () => {
    const { code, stdout } = await runProgram('viewed');
    assert.equal(stdout, 'listened\nthe end\n');
    assert.equal(code, 0);
  });

  test('is closed by `await using`, once and for all', async () => {
    const { port } = view;
    await Promise.all([view.close(), view.close(), view[Symbol.asyncDispose]()]);
    await assert.rejects(ask(port, '/'), { code: 'ECONNREFUSED' });
    const again = await startView({ port });
    assert.equal(again.port, port);
    await again.close();
  });
});
