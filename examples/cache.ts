/** `@cache` keeps what a method gives, and `@singleFlight` has calls that ask for the same share one run. */
import { cache, cacheOf, currentCall, singleFlight, statsOf } from 'opero';

class Library {
  isDown = false;

  @cache({ ttl: 60_000, max: 500, staleIfError: { for: 3_600_000, on: TypeError } })
  async title(isbn: string, _options?: { signal?: AbortSignal }): Promise<string> {
    currentCall().signal?.throwIfAborted();
    if (this.isDown) throw new TypeError('no connection');
    return `the book ${isbn}`;
  }

  // Always runs, and gives the last answer where there is none now.
  @cache({ ttl: 0, staleIfError: Number.POSITIVE_INFINITY })
  async hours(): Promise<string> {
    if (this.isDown) throw new Error('no answer');
    return '9 to 5';
  }

  @singleFlight({ scope: 'class', key: (reader: { id: number }) => String(reader.id) })
  async loans(reader: { id: number }): Promise<string[]> {
    return [`what reader ${reader.id} has`];
  }
}

const library = new Library();
const titles = cacheOf(library, 'title');
const asked = Array.from({ length: 1_000 }, () => library.title('1'));
console.log(new Set(await Promise.all(asked)).size, 'value,', statsOf(Library, 'title').attempts, 'attempt');

console.log(await library.hours());
library.isDown = true;
console.log(await library.title('1'), 'and', await library.hours());

// By hand, as when it is known that something changed.
titles.set(titles.keyOf('2'), 'a new book');
console.log(await library.title('2'), titles.delete(titles.keyOf('1')), titles.size);
await library.title('1').catch((error: Error) => console.log(error.message));

const [mine, same] = await Promise.all([library.loans({ id: 7 }), new Library().loans({ id: 7 })]);
console.log(mine === same, statsOf(Library, 'loans').coalesced);
