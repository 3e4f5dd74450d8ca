import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { ViewConfig } from 'opero/view';

/** A program that serves a view, in a process of its own. */
export interface Viewed {
  readonly url: string;
  readonly child: ChildProcess;
  kill(): Promise<void>;
}

/** Starts the program `busy-shop` with so many more methods. It ends with the test, whatever becomes of that. */
export async function startBusyShop({
  port = 0,
  many = 0,
  ...options
}: ViewConfig & { many?: number } = {}): Promise<Viewed> {
  return startViewed('busy-shop', [String(port), String(many), JSON.stringify(options)]);
}

/** Starts the program `shared-shop`, whose limits and jobs are in the Redis at a port. */
export const startSharedShop = (redisPort: number): Promise<Viewed> => startViewed('shared-shop', [String(redisPort)]);

async function startViewed(name: string, args: readonly string[]): Promise<Viewed> {
  const file = fileURLToPath(new URL(`./programs/${name}.js`, import.meta.url));
  const child = spawn(process.execPath, [file, ...args], { stdio: ['pipe', 'pipe', 'inherit'] });
  const [url] = (await once(createInterface(child.stdout), 'line')) as [string];
  const kill = async (): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGKILL');
    await once(child, 'exit');
  };
  return { url, child, kill };
}
