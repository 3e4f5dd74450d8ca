import { strict as assert } from 'node:assert';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { stripVTControlCharacters } from 'node:util';
import { retry } from 'opero';
import { startView, type View } from 'opero/view';
import { runNode } from '../support/run-program.js';
import { startBusyShop } from '../support/viewed-program.js';

const command = fileURLToPath(new URL('../../../dist/view/opero.js', import.meta.url));
const top = (...args: string[]) => runNode([command, 'top', ...args]);

class Shop {
  @retry(1)
  async buy(): Promise<void> {}

  /** Would clear the screen, write a title, and hide itself. */
  @retry(1)
  async '\x1b[2J\x1b]0;title\x07\u202e\nharm'(): Promise<void> {}
}
await new Shop().buy();
// Of a class that nobody holds the view tells no more.
after(() => new Shop());

describe('opero top', () => {
  let view: View;
  before(async () => {
    view = await startView({ token: 's3+ret' });
  });
  after(() => view.close());

  test('prints one picture where no terminal is', async () => {
    const { code, stdout, stderr } = await top(view.url, '--token', 's3+ret');
    assert.deepEqual([code, stderr], [0, '']);
    const lines = stdout.trimEnd().split('\n');
    assert.match(
      lines[0] ?? '',
      new RegExp(`^view/top\\.test\\.js {2}pid ${process.pid} {2}node ${process.version} {2}up `),
    );
    assert.match(lines[1] ?? '', /^2 methods {2}\S+ calls\/s {2}0 running {2}0 queued {2}0 circuits not closed$/);
    assert.match(
      lines[3] ?? '',
      /^method +calls\/s +p50 +p99 +run +queue +limit +circuit +retries +rejected +fallb\. +last error$/,
    );
    assert.ok(lines.some((line) => /^Shop\.buy /.test(line)));
    for (const line of lines) assert.ok(line.length <= 160, line);
  });

  test('lets no name command the terminal', async () => {
    const { stdout } = await top(`${view.url}/?token=s3+ret`);
    assert.match(stdout, /^Shop\.�+harm /m);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: it is them that must not be there
    assert.doesNotMatch(stdout, /[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]/);
  });

  test('takes an address without http://, and the token from OPERO_TOKEN', async () => {
    const { code, stdout } = await runNode([command, 'top', `127.0.0.1:${view.port}`], '', { OPERO_TOKEN: 's3+ret' });
    assert.equal(code, 0);
    assert.match(stdout, /^Shop\.buy /m);
  });

  test('says what is wrong, in words and by its status', async () => {
    const foreign = createServer((_, response) => response.end('hello')).listen(0, '127.0.0.1');
    await once(foreign, 'listening');
    const { port } = foreign.address() as AddressInfo;
    const gone = await startView();
    await gone.close();
    const wrong: [string[], number, RegExp][] = [
      [[view.url], 1, /^opero: http:\/\/127\.0\.0\.1:\d+ says: 401 This view asks for its token/],
      [[gone.url], 1, /^opero: nobody answers at http:\/\/127\.0\.0\.1:\d+: is the program there/],
      [[`http://127.0.0.1:${port}`], 1, /^opero: http:\/\/127\.0\.0\.1:\d+ is no view of opero/],
      [['not an address'], 2, /^opero: that is no address of a view: not an address\n\nusage: /],
      [[view.url, view.url], 2, /^opero: no such command: top http.*\n\nusage: /],
      [['--tokens', 'x'], 2, /^opero: Unknown option '--tokens'/],
    ];
    for (const [args, status, words] of wrong) {
      const { code, stdout, stderr } = await top(...args);
      assert.deepEqual([code, stdout], [status, '']);
      assert.match(stderr, words);
    }
    foreign.close();
    const help = await runNode([command, '--help']);
    assert.equal(help.code, 0);
    assert.match(help.stdout, /^usage: opero top \[url\] \[--token TOKEN\]/);
  });
});

describe('opero top, and a program of another version,', () => {
  /** Serves what another version might tell. */
  async function tells(everything: unknown): Promise<{ url: string; [Symbol.dispose](): void }> {
    const server = createServer((_, response) => response.end(JSON.stringify(everything))).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    return { url: `http://127.0.0.1:${port}`, [Symbol.dispose]: () => server.close() };
  }

  /** The first words of each line. */
  const linesOf = (stdout: string): string[] =>
    stripVTControlCharacters(stdout)
      .trimEnd()
      .split('\n')
      .map((line) => line.replace(/ +/g, ' ').trim());

  test('shows what is there, and of the rest that it is not known', async () => {
    const shop = { id: 1, className: 'Shop', method: 'buy', rate: 2, p50: 3, running: 1, limit: 0 };
    using older = await tells({ program: { name: 'shop.js', node: 'v20' }, at: 5000, methods: [shop, { id: 2 }] });
    const { code, stdout, stderr } = await top(older.url);
    assert.deepEqual([code, stderr], [0, '']);
    const [head, totals, , columns, ...rows] = linesOf(stdout);
    assert.equal(head, 'shop.js pid – node v20 up –');
    assert.equal(totals, '2 methods 2.0 calls/s 1 running 0 queued 0 circuits not closed');
    assert.match(columns ?? '', /^method calls/);
    assert.deepEqual(rows, ['?.? – – – – – – – – – – –', 'Shop.buy 2.0 3.0\u2009ms – 1 – – – – – – –']);
  });

  test('leaves out what it does not know, and shows stores and jobs as far as they are told of', async () => {
    const future = {
      id: 1,
      className: 'Shop',
      method: 'buy',
      circuit: 'melted',
      lastError: 'E',
      retriesBy: { a: 1 },
      new: {},
    };
    using newer = await tells({
      methods: [future],
      shared: { stores: [{ name: 'redisStore:a', limits: 'all' }], jobs: [{ queue: 'q', sent: '7' }], weather: 1 },
    });
    const { code, stdout } = await top(newer.url);
    assert.equal(code, 0);
    const lines = linesOf(stdout);
    assert.match(lines[1] ?? '', /^1 method 0 calls\/s /);
    assert.ok(lines.includes('redisStore:a up – – – – – –'), stdout);
    assert.ok(lines.includes('q: ?.? – – – – – – – – – –'), stdout);
    assert.ok(lines.includes('Shop.buy – – – – – – – – – – –'), stdout);
  });

  test('says of what is no view that it is none', async () => {
    for (const nothing of [null, 5, [], {}, { methods: {} }, 'hello']) {
      using other = await tells(nothing);
      const { code, stdout, stderr } = await top(other.url);
      assert.deepEqual([code, stdout, stderr], [1, '', `opero: ${other.url} is no view of opero\n`]);
    }
  });
});

describe('opero top on a terminal', () => {
  const program = fileURLToPath(new URL('../support/programs/top-on-terminal.js', import.meta.url));

  /** Runs it, and waits for what it writes. */
  function begin(env: NodeJS.ProcessEnv, ...args: string[]) {
    const child: ChildProcess = spawn(process.execPath, ['--expose-gc', program, 'top', ...args], {
      stdio: ['pipe', 'pipe', 'inherit'],
      env: { ...process.env, ...env },
    });
    let written = '';
    let look = (): void => {};
    child.stdout?.setEncoding('utf8').on('data', (part: string) => {
      written += part;
      look();
    });
    const until = (words: RegExp): Promise<void> =>
      new Promise((resolve) => {
        look = () => {
          if (!words.test(stripVTControlCharacters(written))) return;
          written = '';
          look = () => {};
          resolve();
        };
        look();
      });
    const ended = once(child, 'exit').then(() => written);
    return { child, until, ended, press: (key: string) => child.stdin?.write(key) };
  }

  test('draws again each second, sorts, says when the program is gone, goes on, and ends by q', async () => {
    const shop = await startBusyShop();
    const { until, press, ended } = begin({}, shop.url);
    await until(/busy-shop\.js[\s\S]*Weather\.forecast[\s\S]*q quit {2}s sort \(method\)/);
    await until(/Weather\.forecast/);
    press('s');
    await until(/s sort \(calls\/s\)/);
    await shop.kill();
    await until(/The program has gone, or cannot be reached, for \d+ s\. Asking again/);
    const again = await startBusyShop({ port: Number(new URL(shop.url).port) });
    await until(/q quit/);
    press('q');
    const last = await ended;
    // The screen, the cursor and the keys are as before.
    assert.ok(last.includes('\x1b[?7h\x1b[?25h\x1b[?1049l'));
    assert.match(last, /raw: false, status: 0$/);
    await again.kill();
  });

  for (const [what, end] of [
    ['Ctrl+C', (child: ChildProcess) => child.stdin?.write('\x03')],
    ['SIGTERM', (child: ChildProcess) => child.kill('SIGTERM')],
  ] as const) {
    test(`ends by ${what}, and leaves the terminal as it was`, async () => {
      const view = await startView();
      const { child, until, ended } = begin({}, view.url);
      await until(/q quit/);
      // Once it has been told of a program for a while, too.
      for (let drawn = 0; drawn < 3; drawn++) await until(/0 queued[\s\S]*q quit/);
      end(child);
      const last = await ended;
      assert.ok(last.includes('\x1b[?1049l'));
      assert.match(last, /raw: false, status: 0$/);
      await view.close();
    });
  }

  test('takes a terminal that tells no size for one of 80 columns and 24 rows', async () => {
    await using view = await startView();
    const { until, press, ended } = begin({ SIZE: '0x0' }, view.url);
    await until(/methods? .*calls\/s[\s\S]*Shop\.buy[\s\S]*q quit/);
    press('q');
    assert.match(await ended, /status: 0$/);
  });

  test('says before it takes the screen that nobody is there', async () => {
    const view = await startView();
    await view.close();
    const { ended, child } = begin({}, view.url);
    const last = await ended;
    assert.ok(!last.includes('\x1b[?1049h'));
    assert.equal(child.exitCode, 1);
  });
});
