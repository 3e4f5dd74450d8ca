import { strict as assert } from 'node:assert';
import { spawn, spawnSync } from 'node:child_process';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Orchestrator, type Progress, processAll, processStream, retry } from 'opero';
import { flush, underFakeClock } from '../support/clock.js';
import { all, rejection, Steps, source } from '../support/items.js';
import { runProgram } from '../support/run-program.js';

class Service {
  readonly steps = new Steps<unknown>();

  @retry({ maxAttempts: 2, waitMin: 0 })
  async work(item: unknown): Promise<unknown> {
    if (item instanceof Error) throw item;
    return item;
  }

  @retry(1)
  async step(item: unknown): Promise<unknown> {
    return this.steps.begin(item);
  }
}

const told = (): { progress: Progress[]; onProgress: (progress: Progress) => void } => {
  const progress: Progress[] = [];
  return { progress, onProgress: (each) => progress.push(each) };
};

describe('onProgress', () => {
  test('is told once after each item, whatever its attempts; done includes the failed', async () => {
    const { progress, onProgress } = told();
    const items = [1, new Error('a'), 2, new Error('b')];
    await processAll(new Service(), 'work', items, { onError: 'collect', concurrency: 1, onProgress });
    assert.deepEqual(
      progress.map(({ done, failed }) => [done, failed]),
      [
        [1, 0],
        [2, 1],
        [3, 1],
        [4, 2],
      ],
    );
  });

  test('is told as items end, not as their results are taken', async () => {
    const { progress, onProgress } = told();
    const service = new Service();
    const results = all(processStream(service, 'step', ['a', 'b'], { onProgress }));
    await flush();
    await service.steps.end('b');
    assert.deepEqual(
      progress.map(({ done }) => done),
      [1],
    );
    await service.steps.end('a');
    assert.deepEqual(
      progress.map(({ done }) => done),
      [1, 2],
    );
    await results;
  });

  test('is told of the failure that ends the run', async () => {
    const { progress, onProgress } = told();
    await rejection(processAll(new Service(), 'work', [1, new Error('down'), 2], { concurrency: 1, onProgress }));
    assert.deepEqual(
      progress.map(({ done, failed }) => [done, failed]),
      [
        [1, 0],
        [2, 1],
      ],
    );
  });

  test('is not told of anything after the end', async () => {
    const { progress, onProgress } = told();
    const service = new Service();
    const stream = processStream(service, 'step', ['a', 'b', 'c'], { onProgress, ordered: false });
    const first = stream.next();
    await flush();
    await service.steps.end('a');
    await first;
    await stream.return?.();
    await service.steps.end('b');
    await service.steps.fail('c', new Error('late'));
    assert.equal(progress.length, 1);
  });

  test('is not told of anything when there are no items', async () => {
    const { progress, onProgress } = told();
    await processAll(new Service(), 'work', [], { onProgress });
    assert.deepEqual(progress, []);
  });

  const totals: [what: string, items: () => Iterable<unknown>, total: number | undefined][] = [
    ['an array', () => [1, 2], 2],
    ['a typed array', () => new Float64Array(2), 2],
    ['a set', () => new Set([1, 2]), 2],
    ['a map', () => new Map([[1, 2]]), 1],
    [
      'a generator',
      function* () {
        yield 1;
      },
      undefined,
    ],
    ['an iterator of an array', () => [1, 2].values(), undefined],
    ['a string, whose length counts other things than its characters', () => '😀', undefined],
    [
      'an iterable whose length is something else',
      () => ({ length: 90, size: 12, [Symbol.iterator]: () => [1].values() }),
      undefined,
    ],
  ];
  for (const [what, items, total] of totals) {
    test(`${total === undefined ? 'knows no total' : 'knows the total'} of ${what}`, async () => {
      const { progress, onProgress } = told();
      const results = await processAll(new Service(), 'work', items(), { onProgress });
      assert.equal(progress.length, results.length);
      assert.ok(progress.length > 0 && progress.every((each) => each.total === total));
      assert.ok(progress.every((each) => 'total' in each));
    });
  }

  test('is told the time since the first item was asked for', () =>
    underFakeClock(async (clock) => {
      const { progress, onProgress } = told();
      const service = new Service();
      const stream = processStream(service, 'step', ['a', 'b'], { onProgress });
      clock.tick(500);
      const results = all(stream);
      await flush();
      clock.tick(30);
      await service.steps.end('a');
      clock.tick(12);
      await service.steps.end('b');
      await results;
      assert.deepEqual(
        progress.map(({ elapsed }) => elapsed),
        [30, 42],
      );
    }));

  test('is told the time by fake timers alone, where no clock is faked', async (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] });
    const { progress, onProgress } = told();
    const target = {
      attempts: 0,
      async work(): Promise<void> {
        if (this.attempts++ === 0) throw new Error('again');
      },
    };
    const orchestrator = new Orchestrator({ retry: { maxAttempts: 2, waitMin: 700, jitter: 'none' } });
    const results = orchestrator.process(() => target.work(), [1], { onProgress });
    await flush();
    t.mock.timers.tick(700);
    await results;
    assert.deepEqual(
      progress.map(({ elapsed }) => Math.round(elapsed / 100)),
      [7],
    );
  });

  test('may end the run by throwing anything; nobody hears of the item then', async () => {
    for (const thing of [new Error('stop'), undefined, null]) {
      const items = source(100);
      const onProgress = (): void => {
        throw thing;
      };
      assert.equal(await rejection(processAll(new Service(), 'work', items, { onProgress, concurrency: 2 })), thing);
      assert.equal(items.returned, 1);
      assert.ok(items.pulled <= 2);
    }
  });

  test('cannot put its own error in the place of the first failure', async () => {
    const error = new Error('the item');
    const onProgress = ({ failed }: Progress): void => {
      if (failed > 0) throw new Error('the hook');
    };
    assert.equal(await rejection(processAll(new Service(), 'work', [error], { onProgress })), error);
  });

  test('may end the stream that tells it', async () => {
    const items = source(100);
    const stream = processStream(new Service(), 'work', items, {
      concurrency: 2,
      onProgress: ({ done }) => {
        if (done === 3) void stream.return?.();
      },
    });
    assert.ok((await all(stream as AsyncIterable<unknown>)).length <= 3);
    assert.equal(items.returned, 1);
  });
});

describe('the bar', () => {
  interface Told {
    readonly loaded: boolean;
    readonly written: string;
    readonly handlers: number;
  }
  const tell = async (...args: string[]): Promise<Told> => {
    const { code, stdout, stderr } = await runProgram('bar', { args });
    assert.equal(code, 0, stderr);
    return JSON.parse(stdout) as Told;
  };

  test('is shown on a terminal: how many are done, how many failed', async () => {
    const { loaded, written } = await tell('tty', 'progress');
    assert.equal(loaded, true);
    assert.match(written, /100% \| 6\/6 \| .*\/s \| 1 failed/);
  });

  test('without a total shows the count', async () => {
    const { written } = await tell('tty', 'progress', 'generator');
    assert.match(written, /6 done \| .*\/s \| 1 failed/);
    assert.doesNotMatch(written, /%/);
  });

  test('is neither shown nor loaded where stderr is no terminal', async () => {
    assert.deepEqual(await tell('progress'), { loaded: false, written: '', handlers: 0 });
  });

  test('is neither shown nor loaded unless asked for', async () => {
    assert.deepEqual(await tell('tty'), { loaded: false, written: '', handlers: 0 });
  });

  test('is neither shown nor loaded on a terminal that can only write on', async () => {
    assert.deepEqual(await tell('tty', 'progress', 'dumb'), { loaded: false, written: '', handlers: 0 });
  });

  for (const columns of [8, 12, 30, 44, 60, 200]) {
    test(`fits into ${columns} columns, whole words of it: the bar is shorter, or left out`, async () => {
      const { written } = await tell('tty', 'progress', `columns=${columns}`);
      const rows = written
        .replaceAll('\x1B[J', '')
        .split(/[\r\n]/)
        .filter(Boolean);
      assert.ok(rows.length > 0);
      const row = /^([=-]{10,40} )?\d+%( \| \d\/6( \| \S+\/s)?( \| \d failed( \| \d+s( left)?)?)?)?$/;
      for (const each of rows) {
        assert.match(each, row);
        assert.ok(each.length < columns, each);
        const [, bar = '', percent] = /^([=-]*) ?(\d+)%/.exec(each) ?? [];
        const full = bar.replaceAll('-', '').length;
        assert.ok(Math.abs(full - (Number(percent) / 100) * bar.length) <= 1, each);
      }
      assert.match(rows.at(-1) as string, /100%/);
    });
  }

  test('does not end the program when its terminal goes away', async () => {
    const file = fileURLToPath(new URL('../support/programs/bar.js', import.meta.url));
    const child = spawn(process.execPath, [file, 'pipe', 'progress'], { stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
    child.stderr.once('data', () => child.stderr.destroy());
    const code = await new Promise((resolve) => child.on('close', resolve));
    assert.equal(code, 0);
    assert.equal(JSON.parse(output).loaded, true);
  });

  test('ends with a failure', async () => {
    const { written } = await tell('tty', 'progress', 'throw');
    assert.match(written, /1 failed/);
    assert.equal(written.at(-1), '\n');
  });

  test('neither hides the cursor nor takes Ctrl-C from the program', async () => {
    const { written, handlers } = await tell('tty', 'progress');
    assert.equal(written.includes('\x1B[?25l'), false);
    assert.equal(handlers, 0);
  });

  test('of a stream that is never asked holds no finished program', async () => {
    assert.deepEqual(await tell('tty', 'progress', 'unasked'), { loaded: false, written: '', handlers: 0 });
  });

  test('of a stream that is left alone holds no finished program', async () => {
    const { loaded } = await tell('tty', 'progress', 'left');
    assert.equal(loaded, true);
  });

  const script = process.platform === 'linux' && spawnSync('script', ['--version']).status === 0;
  if (script) {
    test('is seen on a real pseudo terminal', () => {
      const file = fileURLToPath(new URL('../support/programs/bar.js', import.meta.url));
      const command = `${process.execPath} ${file} progress`;
      const { stdout, status } = spawnSync('script', ['-qec', command, '/dev/null'], {
        encoding: 'utf8',
        timeout: 20_000,
        input: '',
      });
      assert.equal(status, 0, stdout);
      assert.match(stdout, /6\/6/);
    });
  }
});
