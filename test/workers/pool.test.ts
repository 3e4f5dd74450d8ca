import { strict as assert } from 'node:assert';
import { fstatSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { move, RejectedError, shutdown, statsOf } from 'opero';
import { Fleeting, Heir, LaterLine, One, Three, Two } from '../fixtures/workers/pools.js';
import { counters, until } from '../support/counters.js';
import { hasEnded } from '../support/has-ended.js';
import { liveWorkers } from '../support/live-workers.js';
import { rejection } from '../support/rejection.js';
import { runNode, runProgram } from '../support/run-program.js';

after(() => shutdown());

describe('pools', () => {
  const one = new One();
  const two = new Two();

  test('are shared by all methods with the same pool options, whatever their other options', async () => {
    const first = await one.where();
    assert.equal(await two.where(), first);
    assert.equal(await one.where(), first);
    assert.notEqual(await two.elsewhere(), first);
    assert.equal(liveWorkers.size, 2);
  });

  test('are of processes where the runtime says so', async () => {
    const pid = await two.process();
    assert.notEqual(pid, process.pid);
    assert.equal(await two.process(), pid);
  });

  test('end an idle worker after idleTimeout, and keep minWorkers', async () => {
    await two.shortLived();
    const before = liveWorkers.size;
    await until(() => liveWorkers.size === before - 1);
    const kept = await two.kept();
    for (let i = 0; i < 20; i++) await new Promise((resolve) => setImmediate(resolve));
    assert.equal(await two.kept(), kept);
  });
});

describe('a call whose arguments cannot be cloned, while its worker starts,', () => {
  const fleeting = new Fleeting();
  before(() => shutdown());

  test('leaves the worker to the next call', async () => {
    const gate = counters();
    const refused = rejection(fleeting.where(() => {}));
    const running = fleeting.where(gate);
    const last = fleeting.where();
    assert.match(String(await refused), /Fleeting\.where: args\[0\] cannot be cloned/);
    const other = await last;
    Atomics.store(gate, 0, 1);
    Atomics.notify(gate, 0);
    assert.notEqual(await running, other);
    await until(() => liveWorkers.size === 0);
  });

  test('keeps no worker longer than idleTimeout', async () => {
    await rejection(fleeting.where(() => {}));
    await until(() => liveWorkers.size === 0);
  });

  test('has moved what was to be moved', async () => {
    const gate = counters();
    const calls = [gate, move(new ArrayBuffer(8)), move(new Uint8Array(8)), undefined].map((each) =>
      fleeting.where(each),
    );
    Atomics.store(gate, 0, 1);
    Atomics.notify(gate, 0);
    await Promise.all(calls);
    await until(() => liveWorkers.size === 0);
  });
});

describe('a call that is given up while its worker starts', () => {
  const fleeting = new Fleeting();

  /** Calls with something that is moved, and gives up once that was taken, which is in one go with the start. */
  async function giveUp(moved: object): Promise<void> {
    await shutdown();
    const bytes = new ArrayBuffer(8);
    const controller = new AbortController();
    const call = rejection(fleeting.where({ moved: move(moved), bytes: move(bytes), signal: controller.signal }));
    await until(() => bytes.byteLength === 0);
    controller.abort('given up');
    assert.equal(await call, 'given up');
  }

  test('closes a port that was moved', async () => {
    const { port1, port2 } = new MessageChannel();
    const closed = new Promise((resolve) => port2.addEventListener('close', resolve));
    port2.start();
    await giveUp(port1);
    await closed;
  });

  test('closes a file', async () => {
    const file = await open(fileURLToPath(import.meta.url));
    const { fd } = file;
    const { ino } = await file.stat();
    await giveUp(file);
    await until(() => {
      try {
        return fstatSync(fd).ino !== ino;
      } catch {
        return true;
      }
    });
  });

  test('cancels a stream', async () => {
    let ended = 0;
    const end = (): void => {
      ended++;
    };
    await giveUp(new ReadableStream({ cancel: end }));
    await until(() => ended === 1);
    await giveUp(new WritableStream({ abort: end }));
    await until(() => ended === 2);
  });
});

test('an idleTimeout longer than a timer takes keeps the worker', async () => {
  const warned: Error[] = [];
  const note = (warning: Error): unknown => warned.push(warning);
  process.on('warning', note);
  const two = new Two();
  const first = await two.lasting();
  // No longer than an overflowing timer needs to end it.
  await new Promise((resolve) => setTimeout(resolve, 30));
  assert.equal(await two.lasting(), first);
  process.off('warning', note);
  assert.deepEqual(warned, []);
});

describe('the first call of a method', () => {
  test('stands in line as it came, and counts there', async () => {
    const gate = counters();
    const line = new LaterLine();
    const ended: string[] = [];
    const note = (name: string, call: Promise<unknown>): Promise<unknown> => call.then(() => ended.push(name));
    await Promise.all([note('warm', line.running()), note('second', line.running())]);
    const calls = [
      note('running', line.running(gate)),
      note('cold', line.cold()),
      rejection(line.impatient()),
      note('later', line.running()),
    ];
    assert.ok((await calls[2]) instanceof RejectedError);
    Atomics.store(gate, 0, 1);
    Atomics.notify(gate, 0);
    await Promise.all(calls);
    assert.deepEqual(ended.slice(2), ['running', 'cold', 'later']);
  });
});

describe('shutdown', () => {
  const one = new One();
  const two = new Two();

  test('lets running and queued calls end, and leaves no worker over', async () => {
    const gate = counters();
    const pid = await two.process();
    const running = one.where(gate);
    await until(() => statsOf(One, 'where').running === 1);
    const queued = one.where();
    let over = false;
    const ended = shutdown().then(() => {
      over = true;
    });
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(over, false);
    Atomics.store(gate, 0, 1);
    Atomics.notify(gate, 0);
    assert.equal(await running, await queued);
    await ended;
    await until(() => liveWorkers.size === 0);
    assert.throws(() => process.kill(pid, 0), { code: 'ESRCH' });
  });

  test('waits for the first call of a method, of a subclass too, made in the same turn', async () => {
    await one.where();
    const over: string[] = [];
    const three = new Three();
    const heir = new Heir();
    three.first().then(() => over.push('first'));
    three.second().then(() => over.push('second'));
    heir.first().then(() => over.push('heir'));
    await shutdown();
    assert.deepEqual(over.toSorted(), ['first', 'heir', 'second']);
    assert.equal(liveWorkers.size, 0);
  });

  test('is followed by new pools for calls made later', async () => {
    const before = await one.where();
    await shutdown();
    const later = await one.where();
    assert.notEqual(later, before);
    assert.equal(liveWorkers.size, 1);
  });

  test('takes no call made meanwhile to the pool that ends', async () => {
    const gate = counters();
    const running = one.where(gate);
    await until(() => statsOf(One, 'where').running === 1);
    const ended = shutdown();
    const meanwhile = await one.where();
    Atomics.store(gate, 0, 1);
    Atomics.notify(gate, 0);
    assert.notEqual(await running, meanwhile);
    await ended;
  });

  test('may come twice, at once, or with nothing to end', async () => {
    await one.where();
    const first = shutdown();
    await shutdown();
    assert.equal(liveWorkers.size, 0);
    await first;
    await shutdown();
  });

  test('stands behind Symbol.asyncDispose, for `await using`', async () => {
    await one.where();
    assert.equal(liveWorkers.size, 1);
    await shutdown[Symbol.asyncDispose]();
    assert.equal(liveWorkers.size, 0);
  });
});

describe('a program', () => {
  test('that imports opero and decorates loads neither tinypool nor worker code; its first call does', async () => {
    const { code, stdout } = await runProgram('lazy');
    assert.equal(code, 0);
    assert.equal(stdout, 'decorated: none\ncalled: tinypool workers/remote\n');
  });

  for (const args of [[], ['shutdown']]) {
    test(`ends ${args.length > 0 ? 'after shutdown()' : 'although workers are idle'}`, async () => {
      const { code, stdout } = await runProgram('idle-workers', { args });
      assert.deepEqual([code, stdout], [0, '3\nended\n']);
    });
  }

  test('that may start no workers ends, once its call has failed', async () => {
    const { code, stdout } = await runProgram('no-workers');
    assert.equal(stdout, 'WorkerError: Calc.add: its worker could not run MODULE: no workers here\n');
    assert.equal(code, 0);
  });

  test('that cannot start processes ends, once its call has failed', async () => {
    const { code, stdout } = await runProgram('no-processes');
    assert.equal(stdout, 'Two.process: its worker could not run MODULE: spawn /nowhere ENOENT\n');
    assert.equal(code, 0);
  });

  test('that shuts down while the code for workers still loads leaves no worker over', async () => {
    const { code, stdout } = await runProgram('idle-workers', { args: ['at once'] });
    assert.deepEqual([code, stdout], [0, 'true 0\n3\nended\n']);
  });

  test('has the memory of a call back once it has ended, while its worker is idle', async () => {
    const { code, stdout, stderr } = await runProgram('worker-memory', { flags: ['--expose-gc'] });
    assert.deepEqual([code, stdout], [0, 'freed\n'], stderr);
  });

  for (const flags of [
    [],
    ['--input-type=module'],
    ['--no-warnings', '--max-old-space-size=200', '--input-type', 'module'],
  ]) {
    test(`of text has workers: ${flags.join(' ')}`, async () => {
      const fixture = new URL('../fixtures/workers/pools.js', import.meta.url).href;
      const text = `import('${fixture}').then(async ({ Two }) => {
        const two = new Two();
        console.log(typeof (await two.where()), typeof (await two.process()));
      });`;
      for (const [args, input] of [
        [['-'], text],
        [['--eval', text], ''],
        [[`--eval=${text}`], ''],
        [['-p', text], ''],
      ] as const) {
        if (args[0] === '-p' && flags.length > 0) continue;
        const { stdout, stderr } = await runNode([...flags, ...args], input);
        assert.match(stdout, /^number number$/m, stderr);
      }
    });
  }

  test('whose code for workers cannot be loaded is told so by the call, and by no shutdown', async () => {
    const hook = `export const resolve = (name, context, next) => {
      if (name === 'tinypool') throw new Error('none here');
      return next(name, context);
    }`;
    const text = `
      import { register } from 'node:module';
      register(${JSON.stringify(`data:text/javascript,${encodeURIComponent(hook)}`)});
      const { Two } = await import('${new URL('../fixtures/workers/pools.js', import.meta.url).href}');
      const { shutdown } = await import('opero');
      const call = new Two().where().catch((error) => console.log(error.message));
      await shutdown();
      await call;
      await shutdown();
      console.log('ended');`;
    const { stdout, stderr } = await runNode(['--input-type=module', '--eval', text]);
    assert.equal(stdout, 'none here\nended\n', stderr);
  });

  test('waits once for the exports of a module that waits for calls, and knows them later', async () => {
    const { stdout, stderr } = await runProgram('still-evaluating');
    assert.equal(stdout, 'false\nwaited once\ntrue\n', stderr);
  });

  test('takes its busy worker processes along when it exits', async () => {
    const { code, stdout } = await runProgram('busy-process');
    assert.equal(code, 0);
    const givesUpAt = performance.now() + 5000;
    await until(() => hasEnded(Number(stdout)) || performance.now() > givesUpAt);
    assert.ok(hasEnded(Number(stdout)));
  });

  test('is kept alive by the calls it awaits, running or queued', async () => {
    const { code, stdout } = await runProgram('awaited-worker');
    assert.deepEqual([code, stdout], [0, 'lived\nlived lived\nlived\n']);
  });
});
