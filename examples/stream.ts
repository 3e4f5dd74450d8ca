/** `processStream` pulls items only as fast as results are taken: any number of them fits into memory. */
import { setTimeout as sleep } from 'node:timers/promises';
import { concurrency, processStream } from 'opero';

class Thumbnails {
  @concurrency(4)
  async shrink(image: number): Promise<string> {
    await sleep(image % 3);
    return `thumbnail ${image}`;
  }
}

let pulled = 0;
async function* images(): AsyncGenerator<number> {
  try {
    for (;;) yield pulled++;
  } finally {
    console.log('the source is let go');
  }
}

const thumbnails = new Thumbnails();
for await (const each of processStream(thumbnails, 'shrink', images())) {
  console.log(each);
  if (each === 'thumbnail 4') break; // aborts what still runs
}
console.log('pulled no more than needed:', pulled <= 5 + 4 * 4);

const seen: string[] = [];
for await (const each of processStream(thumbnails, 'shrink', [3, 5, 4], { ordered: false })) seen.push(each);
console.log('as they come:', seen.sort().join(', '));
