// Streams 100,000 items through a method, and prints how much the heap grew and how many items are still held.
import { processStream, retry } from 'opero';

class Service {
  @retry(3)
  async work(item: { readonly id: number; readonly ballast: string[] }): Promise<{ readonly id: number }> {
    return { id: item.id };
  }
}

let held = 0;
const freed = new FinalizationRegistry<undefined>(() => {
  held--;
});

function* items(count: number) {
  for (let id = 0; id < count; id++) {
    const item = { id, ballast: Array.from({ length: 10 }, () => `${id}`) };
    if (id % 10 === 0) {
      held++;
      freed.register(item, undefined);
    }
    yield item;
  }
}

const heap = async (): Promise<number> => {
  for (let i = 0; i < 3; i++) {
    (globalThis as unknown as { gc(): void }).gc();
    await new Promise((resolve) => setImmediate(resolve));
  }
  return process.memoryUsage().heapUsed;
};

const service = new Service();
const { signal } = new AbortController();
let last = -1;
let before = 0;
for await (const { id } of processStream(service, 'work', items(110_000), { signal })) {
  if (id !== ++last) throw new Error(`expected ${last}, got ${id}`);
  if (id === 10_000) before = await heap();
  if (id === 109_999) {
    const growth = (await heap()) - before;
    console.log(JSON.stringify({ growth, inHand: held }));
  }
}
