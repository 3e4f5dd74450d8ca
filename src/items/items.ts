import type { ItemError } from '../core/errors.js';
import { refusal } from '../core/site.js';
import { type Items, type ItemsOptions, itemsRules, readSettings, type StreamOptions, streamRules } from './options.js';
import { ItemStream } from './stream.js';
import type { Work } from './work.js';

/** Results as they come; `asked` names the function for messages. */
export function streamItems<Item, Result>(
  asked: string,
  items: Items<Item>,
  work: Work<Item, Result>,
  options: StreamOptions | undefined,
): AsyncIterableIterator<Result | ItemError<Item>, undefined, undefined> {
  const read = readSettings(asked, items, options, work.concurrency, streamRules);
  return new ItemStream(allowed(items), work, read, (slot) => slot.value as Result | ItemError<Item>);
}

/** All results, in the order of the items. */
export async function collectItems<Item, Result>(
  asked: string,
  items: Items<Item>,
  work: Work<Item, Result>,
  options: ItemsOptions | undefined,
): Promise<(Result | ItemError<Item>)[]> {
  const read = { ...readSettings(asked, items, options, work.concurrency, itemsRules), ordered: false };
  const results: (Result | ItemError<Item>)[] = [];
  await new ItemStream(allowed(items), work, read, (slot) => slot).drain(({ index, value }) => {
    results[index] = value as Result | ItemError<Item>;
  });
  return results;
}

/** The items, where this thread may work on them; else such as cannot be had, and say why. */
function allowed<Item>(items: Items<Item>): Items<Item> {
  const refused = refusal();
  return refused === undefined ? items : failing(refused);
}

async function* failing(refused: Promise<never>): AsyncGenerator<never> {
  yield await refused;
}
