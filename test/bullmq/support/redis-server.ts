import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';

const isMissing = spawnSync('redis-server', ['--version']).status !== 0;
const loud = '!!! NOT RUN: there is no redis-server on this machine (Debian: apt-get install redis-server) !!!';
if (isMissing) {
  if (process.env.CI) throw new Error(loud);
  process.stderr.write(`\n${loud}\n\n`);
  // What a file prints is shown where it fails: this is told in any case.
  test('what needs a redis-server', (t) => {
    t.diagnostic(loud);
    t.skip(loud);
  });
}

/** What suites that need Redis are given: they are skipped where it is missing; in CI that is an error. */
export const needsRedis = { skip: isMissing ? loud : false };

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}

const running = new Set<ChildProcess>();
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

/** A Redis of the tests' own, on a port that was free. */
export class RedisServer {
  #child: ChildProcess | undefined;

  private constructor(
    readonly port: number,
    readonly folder: string,
  ) {}

  static async start(): Promise<RedisServer> {
    const server = new RedisServer(await freePort(), mkdtempSync(join(tmpdir(), 'opero-redis-')));
    await server.start();
    return server;
  }

  get connection() {
    return { host: '127.0.0.1', port: this.port };
  }

  /** Starts it again, where it was killed: with nothing in it. */
  async start(): Promise<void> {
    const settings = ['--save', '', '--appendonly', 'no', '--bind', '127.0.0.1', '--dir', this.folder];
    const child = spawn('redis-server', ['--port', String(this.port), ...settings], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    running.add(child);
    this.#child = child;
    for await (const line of createInterface({ input: child.stdout })) {
      if (line.includes('Ready to accept connections')) return void child.stdout.resume();
    }
    throw new Error(`redis-server did not start on port ${this.port}`);
  }

  signal(signal: NodeJS.Signals): void {
    this.#child?.kill(signal);
  }

  /** Kills it, with all that is in it. */
  async kill(): Promise<void> {
    const child = this.#child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGKILL');
    await once(child, 'exit');
    running.delete(child);
  }

  async stop(): Promise<void> {
    await this.kill();
    rmSync(this.folder, { recursive: true, force: true });
  }
}
