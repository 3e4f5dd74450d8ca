/** `processAll` calls a method with each of many items; those of a `@cpuBound` one travel to workers in batches. */
import { createHash } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { isMainThread } from 'node:worker_threads';
import { cpuBound, ItemError, processAll, retry, statsOf } from 'opero';

export class Hasher {
  @retry({ maxAttempts: 2, waitMin: 1 })
  @cpuBound(import.meta.url, { maxWorkers: 2 })
  async hash(text: string): Promise<string> {
    if (text === 'item 7') throw new RangeError('seven is not allowed');
    return createHash('sha256').update(text).digest('hex').slice(0, 8);
  }
}

if (isMainThread && process.argv[1] === fileURLToPath(import.meta.url)) {
  const hasher = new Hasher();
  const texts = Array.from({ length: 10_000 }, (_, i) => `item ${i}`);
  let told = 0;
  const results = await processAll(hasher, 'hash', texts, {
    onError: 'collect', // a failure stands as an ItemError in the place of its result
    onProgress: ({ done, total }) => {
      if (total !== undefined && done >= (told + 1) * (total / 4)) console.log(`${++told * 25} % of ${total}`);
    },
    progress: true, // a bar on stderr, if that is a terminal
  });
  console.log('first:', results[0], 'last:', results.at(-1));
  for (const each of results) if (each instanceof ItemError) console.log(`${each.item}: ${each.cause}`);
  console.log('attempts:', statsOf(hasher, 'hash').attempts);
}
