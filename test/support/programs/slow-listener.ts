// Somebody listens to a view, and takes nothing. Tells how much there was to tell, how much of that was kept, and when he was
// let go. Needs --expose-gc.
import { once } from 'node:events';
import { connect } from 'node:net';
import { install } from '@sinonjs/fake-timers';
import { retry } from 'opero';
import { startView } from 'opero/view';
import { listenTo } from '../view.js';

const collect = globalThis.gc;
if (collect === undefined) throw new Error('run this with --expose-gc');

const clock = install({ toFake: ['setTimeout', 'clearTimeout', 'performance', 'Date'] });
const shops = Array.from({ length: 300 }, (_, at) => {
  class Shop {
    @retry(1)
    async buy(): Promise<void> {}
  }
  return new (Object.defineProperty(Shop, 'name', { value: `Shop${at}${'x'.repeat(1000)}` }))();
});
const view = await startView();
// What is kept of each method is there before anything is measured.
for (const shop of shops) await shop.buy();
const quick = await listenTo(view);
let told = (await quick.next()).data.length;

const slow = connect(view.port, '127.0.0.1');
let isLetGo = false;
slow.on('error', () => {});
slow.on('close', () => {
  isLetGo = true;
});
slow.write('GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n');
await once(slow, 'readable');

/** What buffers there are, once nothing is left over. */
const buffered = (): number => {
  collect();
  return process.memoryUsage().arrayBuffers;
};
const before = buffered();
let kept = 0;
let seconds = 0;
for (; seconds < 200 && !isLetGo; seconds++) {
  // There is something else to tell of each of them in each second.
  if (seconds % 2 === 0) for (const shop of shops) await shop.buy();
  clock.tick(1000);
  told += (await quick.next()).data.length;
  kept = Math.max(kept, buffered() - before);
  // Who reads nothing is not told of the end; who writes is.
  slow.write('\r\n');
}
console.log(JSON.stringify({ told, kept, letGoAfter: isLetGo ? seconds : null }));
quick.close();
await view.close();
