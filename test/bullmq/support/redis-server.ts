import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { redisProgram, whyNoRedis } from '../../support/redis-program.js';

const loud = whyNoRedis === undefined ? undefined : `!!! ${whyNoRedis} !!!`;
if (loud !== undefined) {
  process.stderr.write(`\n${loud}\n\n`);
  // What a file prints is shown where it fails: this is told in any case.
  test('what needs a Redis', (t) => {
    t.diagnostic(loud);
    t.skip(loud);
  });
}

/** What suites that need Redis are given: they are skipped where it is missing; in CI that is an error. */
export const needsRedis = { skip: loud ?? false };

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
    readonly options: readonly string[],
  ) {}

  /** Options come behind those that keep nothing. */
  static async start(...options: readonly string[]): Promise<RedisServer> {
    const server = new RedisServer(await freePort(), mkdtempSync(join(tmpdir(), 'opero-redis-')), options);
    await server.start();
    return server;
  }

  get connection() {
    return { host: '127.0.0.1', port: this.port };
  }

  /** Starts it again, where it was killed: with nothing in it, unless its options say otherwise. */
  async start(): Promise<void> {
    const settings = ['--save', '', '--appendonly', 'no', '--bind', '127.0.0.1', '--dir', this.folder];
    const child = spawn(redisProgram, ['--port', String(this.port), ...settings, ...this.options], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    running.add(child);
    this.#child = child;
    for await (const line of createInterface({ input: child.stdout })) {
      if (line.includes('Ready to accept connections')) return void child.stdout.resume();
    }
    throw new Error(`${redisProgram} did not start on port ${this.port}`);
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
