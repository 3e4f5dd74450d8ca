/** A decorator on a class applies to each of its async methods; what stands nearer to a method wins. */
import { concurrency, fallback, policiesOf, retry } from 'opero';

@retry({ maxAttempts: 2, waitMin: 5 })
@fallback('offline')
class Store {
  protected broken = true;

  async load(id: number): Promise<string> {
    if (this.broken) throw new Error('no connection');
    return `item ${id}`;
  }

  /** Its own `retry` wins over that of the class. */
  @retry(5)
  async search(words: string): Promise<string> {
    return `found ${words}`;
  }

  /** Not its own alternative, so no `fallback` here. */
  async offline(): Promise<string> {
    return 'nothing, for now';
  }

  /** Not async: left alone. */
  describe(): string {
    return 'a store';
  }
}

/** Inherits all of it, for its own methods too. */
@concurrency(2)
class Archive extends Store {
  async restore(id: number): Promise<string> {
    return `item ${id} from the tapes`;
  }
}

const archive = new Archive();
console.log(await archive.load(1));
console.log(await archive.restore(2));
console.log(archive.describe());
for (const method of ['load', 'search', 'restore', 'offline', 'describe'] as const) {
  const policies = policiesOf(Archive, method).map(({ kind, declaredBy }) => `${kind} of ${declaredBy?.name}`);
  console.log(`${method}: ${policies.join(', ') || 'none'}`);
}
