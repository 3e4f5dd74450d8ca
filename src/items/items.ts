import { now } from '../core/call/clock.js';
import { refusal } from '../core/decoration/site.js';
import { type AnyOptions, type Asked, type Items, itemsRules, readSettings, streamRules } from './options.js';
import type { Progress } from './progress.js';
import { Run } from './run.js';
import { ItemStream } from './stream.js';
import type { Work } from './work.js';

/** What comes for each item, as it comes: the result, an ItemError in its place, or an entry that holds one of the two. */
export function streamItems<Item>(
  asked: Asked,
  items: Items<Item>,
  work: Work<Item, unknown>,
  options: AnyOptions | undefined,
): AsyncIterableIterator<unknown, undefined, undefined> {
  const read = readSettings(asked, items, options, work.concurrency, streamRules);
  return new ItemStream(new Run(allowed(items), work, read, ({ value }) => value));
}

/** What comes for each item, in the order of the items. */
export async function collectItems<Item>(
  asked: Asked,
  items: Items<Item>,
  work: Work<Item, unknown>,
  options: AnyOptions | undefined,
): Promise<unknown[]> {
  const read = { ...readSettings(asked, items, options, work.concurrency, itemsRules), ordered: false };
  const results: unknown[] = [];
  await new Run(allowed(items), work, read, (slot) => slot).drain(({ index, value }) => {
    results[index] = value;
  });
  return results;
}

/** The same for several kinds of work, one after the other: each needs all items, so that they are taken in first. */
export async function collectItemsForEach<Item>(
  asked: Asked,
  items: Items<Item>,
  works: readonly Work<Item, unknown>[],
  options: AnyOptions | undefined,
): Promise<unknown[]> {
  const beganAt = now();
  const { taken, broken } = await takeIn(asked, items, options);
  const results: unknown[] = [];
  let failed = 0;
  for (const work of works) {
    const before = { done: results.length, failed };
    const tell = (progress: Progress): void => {
      failed = before.failed + progress.failed;
      const elapsed = now() - beganAt;
      options?.onProgress?.({ done: before.done + progress.done, failed, total: taken.length * works.length, elapsed });
    };
    const telling = options?.onProgress === undefined ? options : { ...options, onProgress: tell };
    for (const result of await collectItems(asked, taken, work, telling)) results.push(result);
  }
  if (broken !== undefined) throw broken.error;
  return results;
}

/** All items; where failures are collected, those that came before the source failed, and what it failed with. */
async function takeIn<Item>(asked: Asked, items: Items<Item>, options: AnyOptions | undefined) {
  // Each is wrapped, so that a promise among them is not waited for.
  const work = { run: async (item: Item) => ({ item }), concurrency: 1 };
  const read = readSettings(asked, items, options, work.concurrency, itemsRules);
  const taking = { ...read, onProgress: undefined, progress: false, entries: false };
  const taken: Item[] = [];
  let broken: { readonly error: unknown } | undefined;
  try {
    const run = new Run(allowed(items), work, taking, ({ value }) => value as { item: Item });
    await run.drain(({ item }) => taken.push(item));
  } catch (error) {
    if (read.onError === 'throw') throw error;
    broken = { error };
  }
  return { taken, broken };
}

/** The items, where this thread may work on them; else such as cannot be had, and say why. */
function allowed<Item>(items: Items<Item>): Items<Item> {
  const refused = refusal();
  return refused === undefined ? items : failing(refused);
}

async function* failing(refused: Promise<never>): AsyncGenerator<never> {
  yield await refused;
}
