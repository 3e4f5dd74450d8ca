// Prints which modules are loaded: after importing opero, after decorating, after a call.
import { register } from 'node:module';
import { MessageChannel } from 'node:worker_threads';

const loaded: string[] = [];
const { port1, port2 } = new MessageChannel();
port1.on('message', (url: string) => loaded.push(url));
register(
  `data:text/javascript,${encodeURIComponent(`
    let port;
    export const initialize = (given) => { port = given.port; };
    export const resolve = async (specifier, context, next) => {
      const found = await next(specifier, context);
      port.postMessage(found.url);
      return found;
    };
  `)}`,
  { parentURL: import.meta.url, data: { port: port2 }, transferList: [port2] },
);

/** What was loaded of what only workers need; messages of the hooks' thread take a moment. */
async function heavy(): Promise<string[]> {
  let before = -1;
  while (before !== loaded.length) {
    before = loaded.length;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  const parts = ['tinypool', 'cli-progress', 'workers/remote'];
  return parts.filter((part) => loaded.some((url) => url.includes(part)));
}

const { Calc } = await import('../../fixtures/workers/services.js');
console.log('decorated:', (await heavy()).join(' ') || 'none');
await new Calc().add(1, 2);
console.log('called:', (await heavy()).join(' '));
process.exit(0);
