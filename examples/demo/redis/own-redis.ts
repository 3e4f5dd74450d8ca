/** A Redis of the demo's own. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

/** What to install where it is missing; undefined: it is there. */
export function whatIsMissing(): string | undefined {
  if (spawnSync('redis-server', ['--version']).status === 0) return undefined;
  return [
    'This demo starts a Redis of its own, and there is no redis-server on this machine. Install one, 7 or later:',
    '  Debian, Ubuntu: apt-get install redis-server',
    '  Fedora:         dnf install redis',
    '  macOS:          brew install redis',
  ].join('\n');
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}

/** It writes down all that it does before it answers, so that it loses nothing when it is killed. */
export class OwnRedis {
  readonly #folder = mkdtempSync(join(tmpdir(), 'opero-demo-'));
  #child: ChildProcess | undefined;

  private constructor(readonly port: number) {}

  static async start(): Promise<OwnRedis> {
    const redis = new OwnRedis(await freePort());
    // However this program ends.
    process.once('exit', () => redis.end());
    await redis.start();
    return redis;
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  async start(): Promise<void> {
    const place = ['--port', String(this.port), '--bind', '127.0.0.1', '--dir', this.#folder];
    const keeping = ['--save', '', '--appendonly', 'yes', '--appendfsync', 'always'];
    const child = spawn('redis-server', [...place, ...keeping], {
      stdio: ['ignore', 'pipe', 'inherit'],
      // Ctrl-C reaches the whole group, to which it does not belong: the demo ends it.
      detached: true,
    });
    this.#child = child;
    const told: string[] = [];
    for await (const line of createInterface({ input: child.stdout })) {
      told.push(line);
      if (line.includes('Ready to accept connections')) return void child.stdout.resume();
    }
    throw new Error(`redis-server did not start:\n${told.join('\n')}`);
  }

  /** Ends it as a crash would. */
  async kill(): Promise<void> {
    const child = this.#child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGKILL');
    await once(child, 'exit');
  }

  /** Ends it at once, with all that it has written. */
  end(): void {
    this.#child?.kill('SIGKILL');
    rmSync(this.#folder, { recursive: true, force: true, maxRetries: 3 });
  }
}
