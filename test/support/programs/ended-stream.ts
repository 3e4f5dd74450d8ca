// Ends streams that hold results nobody took, in the way that the argument says (return, abort or fail), and prints how many
// there were and how many are still held by a stream that somebody keeps.
import { processStream } from 'opero';

const [, , way] = process.argv;
const results: WeakRef<object>[] = [];
const target = {
  work(item: number): object {
    if (way === 'fail' && item === 10) throw new Error('ten');
    const result = { item };
    results.push(new WeakRef(result));
    return result;
  },
};

const turns = async (): Promise<void> => {
  for (let i = 0; i < 5; i++) await new Promise((resolve) => setTimeout(resolve, 1));
};

const controller = new AbortController();
const items = Array.from({ length: 1000 }, (_, item) => item);
const stream = processStream(target, 'work', items, { signal: controller.signal });
await stream.next();
await turns();
if (way === 'return') await stream.return?.();
if (way === 'abort') controller.abort();
await turns();
(globalThis as unknown as { gc(): void }).gc();
await turns();
const held = results.filter((each) => each.deref() !== undefined).length;
console.log(JSON.stringify({ made: results.length, held }));
// Still there.
await stream.next().catch(() => {});
