import { strict as assert } from 'node:assert';
import { after, describe, test } from 'node:test';
import { processAll, RejectedError, shutdown, statsOf, WorkerError } from 'opero';
import { Apart, cell, type Deed, InProcess, InThread, Mishap, onKey, Spare } from '../fixtures/workers/mortal.js';
import { flush } from '../support/clock.js';
import { counters, until } from '../support/counters.js';
import { rejection } from '../support/rejection.js';
import { runProgram } from '../support/run-program.js';

after(() => shutdown());

const thread = new InThread();
const inProcess = new InProcess();

/** What is said where the worker had run another call, which it had in most of these tests. */
const orLeftOver = ' (which may have been left over by an earlier call)';

async function fails(call: Promise<unknown>, message: RegExp): Promise<void> {
  const error = await rejection(call);
  assert.ok(error instanceof WorkerError, String(error));
  assert.match(error.message, message);
}

type Perform = (deed: Deed, counters?: undefined, ...rest: AbortSignal[]) => Promise<string>;

const deaths: [string, typeof InThread | typeof InProcess, Perform, Perform, [Deed, string][]][] = [
  [
    'thread',
    InThread,
    (...args) => thread.perform(...args),
    (...args) => thread.alone(...args),
    [
      ['exit', 'its worker exited with code 3 before the call had ended'],
      ['throw later', 'its worker died of an uncaught error: later'],
      ['reject later', 'its worker died of an uncaught error: rejected'],
      ['throw nothing later', 'its worker died of an uncaught error: undefined'],
      ['throw null later', 'its worker died of an uncaught error: null'],
      ['throw text later', "its worker died of an uncaught error: 'text'"],
      ['out of memory', 'its worker ran out of memory (see `resourceLimits`)'],
    ],
  ],
  [
    'process',
    InProcess,
    (...args) => inProcess.perform(...args),
    (...args) => inProcess.alone(...args),
    [
      ['exit', 'its worker exited with code 3 before the call had ended'],
      ['kill', 'its worker was killed by SIGKILL before the call had ended'],
      ['abort', 'its worker was killed by SIGABRT before the call had ended'],
      ['throw later', 'its worker died of an uncaught error: later'],
      ['reject later', 'its worker died of an uncaught error: rejected'],
      ['throw nothing later', 'its worker died of an uncaught error: undefined'],
      ['throw null later', 'its worker died of an uncaught error: null'],
      ['throw text later', "its worker died of an uncaught error: 'text'"],
    ],
  ],
];

for (const [kind, type, perform, alone, deeds] of deaths) {
  describe(`a worker ${kind} that dies`, () => {
    for (const [deed, message] of deeds) {
      test(`by ${deed} fails its own call alone, and says what happened`, async () => {
        const neighbours = [perform('live'), perform('live')];
        const doomed = perform(deed);
        neighbours.push(perform('live'), perform('live'));
        const error = await rejection(doomed);
        assert.ok(error instanceof WorkerError, String(error));
        assert.equal(error.message.replace(orLeftOver, ''), `${type.name}.perform: ${message}`);
        assert.deepEqual(await Promise.all(neighbours), ['lived', 'lived', 'lived', 'lived']);
        assert.equal(await perform('live'), 'lived');
        assert.equal(statsOf(type, 'perform').running, 0);
      });
    }

    test('gives its slot to the next call', async () => {
      const calls = [alone('exit'), alone('live'), alone('exit'), alone('live')];
      const results = await Promise.allSettled(calls);
      assert.deepEqual(
        results.map(({ status }) => status),
        ['rejected', 'fulfilled', 'rejected', 'fulfilled'],
      );
    });
  });

  describe(`an abort of a call in a worker ${kind}`, () => {
    test('ends an endless loop, and keeps the reason; others are unharmed', async () => {
      const controller = new AbortController();
      const reason = { why: 'enough' };
      const before = statsOf(type, 'perform').attempts;
      const looping = perform('hang', undefined, controller.signal);
      const other = perform('live');
      await until(() => statsOf(type, 'perform').attempts === before + 2);
      assert.equal(await other, 'lived');
      controller.abort(reason);
      assert.equal(await rejection(looping), reason);
      assert.equal(await perform('live'), 'lived');
      await until(() => statsOf(type, 'perform').running === 0);
    });

    test('rejects at once, and gives the slot back only when the worker is gone', async () => {
      const controller = new AbortController();
      const looping = alone('hang', undefined, controller.signal);
      await until(() => statsOf(type, 'alone').running === 1);
      const next = alone('live');
      controller.abort('stop');
      assert.equal(await rejection(looping), 'stop');
      assert.deepEqual([statsOf(type, 'alone').running, statsOf(type, 'alone').queued], [1, 1]);
      assert.equal(await next, 'lived');
      assert.deepEqual([statsOf(type, 'alone').running, statsOf(type, 'alone').queued], [0, 0]);
    });

    for (const start of ['cold', 'warm']) {
      for (const ending of ['given', 'thrown']) {
        test(`while its arguments are read stops it: ${start}, a value ${ending}`, async () => {
          if (start === 'cold') await shutdown();
          else await alone('live');
          const controller = new AbortController();
          const aborting = {
            get field(): number {
              controller.abort('as it is read');
              if (ending === 'thrown') throw new Error('thrown');
              return 1;
            },
          };
          const call = alone('hang', undefined, aborting as never, controller.signal);
          assert.equal(await rejection(call), 'as it is read');
          assert.equal(await alone('live'), 'lived');
          assert.equal(statsOf(type, 'alone').running, 0);
          // Lets what runs end: an endless loop would not.
          await shutdown();
        });
      }
    }

    test('before the call sends nothing', async () => {
      const { attempts } = statsOf(type, 'perform');
      assert.equal(await rejection(perform('live', undefined, AbortSignal.abort('early'))), 'early');
      assert.equal(statsOf(type, 'perform').attempts, attempts);
    });

    test('after the call changes nothing', async () => {
      const controller = new AbortController();
      assert.equal(await perform('live', undefined, controller.signal), 'lived');
      controller.abort('late');
      assert.equal(await perform('live'), 'lived');
    });
  });
}

test('a call is not given to a worker that is stopped, although that one has answered meanwhile', async () => {
  const apart = new Apart();
  const open = (gate: Int32Array): void => {
    Atomics.store(gate, cell.gate, 1);
    Atomics.notify(gate, cell.gate);
  };
  const opened = counters();
  open(opened);
  for (let i = 0; i < 5; i++) {
    const shared = counters();
    const controller = new AbortController();
    const answered = rejection(apart.gated(shared, controller.signal));
    await until(() => shared[cell.entered] === 1);
    open(shared);
    // Its answer arrives, while nobody here can look.
    Atomics.wait(shared, cell.never, 0, 20);
    controller.abort('late');
    assert.equal(await apart.gated(opened), 'lived');
    assert.equal(await answered, 'late');
  }
});

test('a call that is aborted as soon as it was sent counts as started', async () => {
  const spare = new Spare();
  await spare.start(counters());
  const before = statsOf(Spare, 'start').attempts;
  const shared = counters();
  const controller = new AbortController();
  const stopped = rejection(spare.start(shared, controller.signal));
  // Until the worker, which is idle, has entered the method, while nobody here can look.
  while (shared[cell.entered] === 0) Atomics.wait(shared, cell.never, 0, 1);
  controller.abort('at once');
  assert.equal(await stopped, 'at once');
  assert.equal(statsOf(Spare, 'start').attempts, before + 1);
  assert.equal((await rejection(spare.start(counters()))) instanceof RejectedError, true);
});

test('a worker that dies of null gives its place back once', async () => {
  await fails(thread.narrow('throw null later'), /uncaught error: null/);
  const shared = counters();
  const calls = [1, 2].map(() => thread.narrow('live', shared));
  await until(() => statsOf(InThread, 'narrow').running === 1);
  for (let i = 0; i < 20; i++) await flush();
  assert.deepEqual([statsOf(InThread, 'narrow').running, statsOf(InThread, 'narrow').queued], [1, 1]);
  Atomics.store(shared, cell.gate, 1);
  Atomics.notify(shared, cell.gate);
  assert.deepEqual(await Promise.all(calls), ['lived', 'lived']);
});

test('an abort while the key of a limit is asked for sends nothing', async () => {
  const controller = new AbortController();
  onKey.call = () => {
    controller.abort('in the key');
    return 'key';
  };
  const shared = counters();
  assert.equal(await rejection(thread.keyed('live', shared, controller.signal)), 'in the key');
  assert.equal(await thread.keyed('live', shared), 'lived');
  assert.equal(statsOf(InThread, 'keyed').attempts, 1);
  assert.equal(shared[cell.entered], 1);
});

describe('a call that waits for a worker', () => {
  const shared = counters();
  const open = (): void => {
    Atomics.store(shared, cell.gate, 1);
    Atomics.notify(shared, cell.gate);
  };

  test('leaves with the run over many items that it belongs to, and makes room', async () => {
    const gate = counters();
    const controller = new AbortController();
    const running = thread.narrow('live', gate);
    await until(() => statsOf(InThread, 'narrow').running === 1);
    const items = rejection(processAll(thread, 'narrow', ['live', 'live'], { signal: controller.signal }));
    await until(() => statsOf(InThread, 'narrow').queued === 1);
    controller.abort('left');
    assert.equal(await items, 'left');
    await flush();
    assert.equal(statsOf(InThread, 'narrow').queued, 0);
    const next = thread.narrow('live');
    Atomics.store(gate, cell.gate, 1);
    Atomics.notify(gate, cell.gate);
    assert.deepEqual(await Promise.all([running, next]), ['lived', 'lived']);
    assert.deepEqual(await processAll(thread, 'narrow', ['live', 'live']), ['lived', 'lived']);
  });

  test('leaves at an abort; one over maxQueue, which counts waiting calls only, is rejected', async () => {
    const before = statsOf(InThread, 'narrow');
    const controller = new AbortController();
    const running = thread.narrow('live', shared);
    await until(() => statsOf(InThread, 'narrow').running === 1);
    const waiting = thread.narrow('live', shared, controller.signal);
    await until(() => statsOf(InThread, 'narrow').queued === 1);
    const error = await rejection(thread.narrow('live'));
    assert.ok(error instanceof RejectedError);
    assert.deepEqual([error.policy, error.reason], ['cpuBound', 'queue-full']);
    assert.equal(error.message, 'InThread.narrow: a call waits for a free worker already (maxQueue: 1)');
    controller.abort('left');
    assert.equal(await rejection(waiting), 'left');
    const { running: one, queued, rejected, attempts } = statsOf(InThread, 'narrow');
    assert.deepEqual([one, queued, rejected - before.rejected, attempts - before.attempts], [1, 0, 1, 1]);
    const next = thread.narrow('live');
    open();
    assert.deepEqual(await Promise.all([running, next]), ['lived', 'lived']);
  });
});

describe('the cause of a death', () => {
  for (const [kind, perform] of [
    ['thread', (deed: Deed) => thread.perform(deed)],
    ['process', (deed: Deed) => inProcess.perform(deed)],
  ] as const) {
    /** What a deed says as the first one of its worker. */
    const causeOf = async (deed: Deed, text: string): Promise<Error> => {
      await shutdown();
      const error = await rejection(perform(deed));
      assert.ok(error instanceof WorkerError && error.cause instanceof Error, String(error));
      assert.equal(error.message.replace(/^\w+\.perform: its worker /, ''), text);
      return error.cause;
    };

    test(`is who called process.exit(), in a ${kind}`, async () => {
      const cause = await causeOf('exit', 'exited with code 3 before the call had ended');
      assert.match(cause.message, /^process\.exit\(3\) was called/);
      assert.match(String(cause.stack), /^Error: process\.exit\(3\) was called.*\n +at perform .*mortal/);
    });

    test(`is the error that nobody caught, in a ${kind}`, async () => {
      for (const [deed, message] of [
        ['throw later', 'later'],
        ['reject later', 'rejected'],
      ] as const) {
        const cause = await causeOf(deed, `died of an uncaught error: ${message}`);
        assert.ok(cause instanceof RangeError);
        assert.equal(cause.message, message);
        assert.match(String(cause.stack), /mortal/);
      }
    });

    test(`is not said to be left over in the first call of a ${kind}, nor where the call itself was seen at it`, async () => {
      await causeOf('throw later', 'died of an uncaught error: later');
      await perform('live');
      await perform('live');
      const error = await rejection(perform('exit'));
      assert.ok(error instanceof WorkerError);
      assert.match(error.message, /exited with code 3 before the call had ended$/);
    });
  }

  test('is of its own class where this side knows it, in a process', async () => {
    const error = await rejection(inProcess.perform('throw its own later'));
    assert.ok(error instanceof WorkerError && error.cause instanceof Mishap);
    assert.deepEqual([error.cause.message, error.cause.where], ['its own', 'in the worker']);
    assert.ok(error.cause.cause instanceof TypeError);
  });

  test('is the last that a process wrote to its stderr, which all gets there; nothing that an earlier call wrote', async () => {
    const { stdout, stderr } = await runProgram('dying-process', { args: ['write and kill'] });
    const { message, cause } = JSON.parse(stdout) as { message: string; cause: string };
    assert.match(message, /its worker was killed by SIGKILL before the call had ended/);
    assert.match(cause, /^the last on its stderr was:\n.*line 399 é+\nthe last line$/s);
    assert.ok(cause.length < 10_000);
    assert.equal(stderr.split('\n').length, 402);
    const second = await runProgram('dying-process', { args: ['write', 'kill'] });
    assert.equal((JSON.parse(second.stdout) as { cause: unknown }).cause, 'none');
    assert.match(second.stderr, /^written/);
  });

  test('tells of a process without memory', async () => {
    const { stdout } = await runProgram('dying-process', {
      flags: ['--max-old-space-size=40'],
      args: ['out of memory'],
    });
    const { cause } = JSON.parse(stdout) as { cause: string };
    assert.match(cause, /heap out of memory/);
  });
});

test('a retry gets a new worker', async () => {
  assert.equal(await thread.retried(counters()), 'lived');
  assert.equal(statsOf(InThread, 'retried').attempts, 3);
});

test('an error that the method throws costs no worker', async () => {
  const error = await rejection(thread.perform('throw'));
  assert.ok(error instanceof RangeError);
  assert.equal(error.message, 'thrown');
});
