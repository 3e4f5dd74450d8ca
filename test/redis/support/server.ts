import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { freePort } from '../../support/free-port.js';
import { redisProgram, whyNoRedis } from '../../support/redis-program.js';

/** Why there are no tests on a Redis here; undefined: there is one. */
export const missing = whyNoRedis;
if (missing !== undefined) console.error(missing);

/** A Redis of the tests' own, which ends with them however they end. It keeps nothing, unless its options say otherwise. */
export class RedisServer {
  #process: ChildProcess | undefined;
  readonly #folder = mkdtempSync(path.join(tmpdir(), 'opero-redis-'));

  private constructor(
    readonly port: number,
    readonly options: readonly string[],
  ) {}

  static async start(...options: readonly string[]): Promise<RedisServer> {
    const server = new RedisServer(await freePort(), options);
    await server.start();
    return server;
  }

  get connection() {
    return { host: '127.0.0.1', port: this.port };
  }

  /** Starts it again, where it was killed. */
  async start(): Promise<void> {
    const basic = ['--port', String(this.port), '--bind', '127.0.0.1', '--save', '', '--dir', this.#folder];
    // A shell beside it ends it when the pipe from here breaks, as it does when this program is killed.
    const watched = '(read -r _; kill -9 $$) <&3 & exec "$0" "$@" 3<&-';
    const child = spawn('bash', ['-c', watched, redisProgram, ...basic, ...this.options], {
      stdio: ['ignore', 'pipe', 'inherit', 'pipe'],
    });
    this.#process = child;
    await new Promise<void>((resolve, reject) => {
      let text = '';
      child.stdout?.on('data', (some) => {
        text += some;
        if (text.includes('Ready to accept connections')) resolve();
      });
      child.once('exit', () => reject(new Error(`${redisProgram} did not start: ${text}`)));
    });
    child.unref();
    for (const stream of [child.stdout, child.stdio[3]]) (stream as Socket).unref();
  }

  signal(signal: NodeJS.Signals): void {
    this.#process?.kill(signal);
  }

  /** Ends it as a crash would. */
  async kill(): Promise<void> {
    const child = this.#process;
    if (child === undefined) return;
    this.#process = undefined;
    const gone = once(child, 'exit');
    (child.stdio[3] as Socket).destroy();
    child.ref();
    await gone;
  }

  /** Has it end with this program, and not before. */
  leaveToEnd(): void {
    process.once('exit', () => rmSync(this.#folder, { recursive: true, force: true }));
  }

  async stop(): Promise<void> {
    await this.kill();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
