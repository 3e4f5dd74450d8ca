import { strict as assert } from 'node:assert';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const program = fileURLToPath(new URL('../support/programs/worker-output.js', import.meta.url));
const lines = 50_000;

/** How many lines arrive of those that a worker wrote, where nobody reads before `ready`. */
async function arriving(end: 'exit' | 'by itself', ready: 'exit' | 'spawn'): Promise<number> {
  const child = spawn(process.execPath, [program, String(lines), end], { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(child, ready);
  return (await text(child.stdout)).split('\n').length - 1;
}

test('what a worker writes arrives whole where the program ends by itself', async () => {
  assert.equal(await arriving('by itself', 'spawn'), lines);
});

test('process.exit() cuts off what a worker has written, as the page says', async () => {
  assert.ok((await arriving('exit', 'exit')) < lines);
});
