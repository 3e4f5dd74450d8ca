import { strict as assert } from 'node:assert';
import { fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { hasEnded } from '../support/has-ended.js';

const program = (name: string): string => fileURLToPath(new URL(`../support/programs/${name}.js`, import.meta.url));

/** How long a process may take to end once it has no parent, in milliseconds, on a machine that is very busy. */
const limit = 20_000;

async function endOf(pid: number): Promise<void> {
  const givesUpAt = performance.now() + limit;
  while (!hasEnded(pid)) {
    assert.ok(performance.now() < givesUpAt, `process ${pid} outlives its parent`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

describe('a worker process ends with its parent', () => {
  for (const state of ['busy', 'waiting']) {
    for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGKILL'] as const) {
      test(`that ${signal} ends, while it is ${state}`, async () => {
        const parent = spawn(process.execPath, [program('hogged'), state], { stdio: ['ignore', 'pipe', 'inherit'] });
        const [said] = (await once(parent.stdout, 'data')) as [Buffer];
        const pid = Number(said);
        assert.ok(pid > 0 && pid !== parent.pid && !hasEnded(pid));
        try {
          parent.kill(signal);
          await endOf(pid);
        } finally {
          if (!hasEnded(pid)) process.kill(pid, 'SIGKILL');
        }
      });
    }
  }

  test('that was gone before it began to watch', async () => {
    const child = fork(program('late-watch'));
    const { pid = 0 } = child;
    child.disconnect();
    try {
      await endOf(pid);
    } finally {
      child.kill('SIGKILL');
    }
  });
});
