// A view is served, and another process listens to it: the program ends all the same.
import { spawn } from 'node:child_process';
import { retry } from 'opero';
import { startView } from 'opero/view';

class Shop {
  @retry(1)
  async buy(): Promise<void> {}
}

await new Shop().buy();
const view = await startView();
const listener = spawn(
  process.execPath,
  [
    '--input-type=module',
    '-e',
    `const { body } = await fetch('${view.url}/events');
     try { for await (const chunk of body) process.stdout.write(chunk); } catch {}`,
  ],
  { stdio: ['ignore', 'pipe', 'ignore'] },
);
await new Promise((resolve) => listener.stdout.once('data', resolve));
console.log('listened');
listener.unref();
(listener.stdout as unknown as { unref(): void }).unref();
process.once('exit', () => console.log('the end'));
