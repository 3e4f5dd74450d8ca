import type { IRedisClient } from 'bullmq';
import { inTime } from './hold.js';

/** How long Redis holds a reader that has nothing to read, in milliseconds; and how much longer an answer may take. */
const block = 5_000;
const patience = 5_000;

/** How long it waits after an error, in milliseconds. */
const pauseAfterError = 200;

/** How many entries are read at once. */
const most = 1_000;

/** An entry of a stream: its id, and its fields by their names. */
export interface Entry {
  readonly id: string;
  readonly fields: ReadonlyMap<string, string>;
}

/** The entries of what XREAD gave. */
function entriesOf(given: unknown): Entry[] {
  const [stream] = Array.isArray(given) ? (given as [unknown, [string, string[]][]][]) : [];
  return (stream?.[1] ?? []).map(([id, list]) => {
    const fields = new Map<string, string>();
    for (let at = 0; at + 1 < list.length; at += 2) fields.set(list[at] as string, list[at + 1] as string);
    return { id, fields };
  });
}

/** Reads what a stream has behind an entry, and waits for nothing. */
export async function readBehind(
  client: IRedisClient,
  key: string,
  behind: string,
  told: (entries: readonly Entry[]) => void,
): Promise<void> {
  let id = behind;
  for (;;) {
    const entries = entriesOf(await client.xread([{ key, id }], { COUNT: most }));
    told(entries);
    if (entries.length < most) return;
    id = (entries.at(-1) as Entry).id;
  }
}

/** The id before that of any entry. */
export const beginning = '0-0';

/** Reads a stream from its beginning, on a connection of its own, until it is closed. */
export class StreamReader {
  #last = beginning;
  /** The read that is under way: while Redis is away, no more than one waits for it by each connection. */
  #reading: Promise<readonly Entry[]> | undefined;
  #isClosed = false;

  constructor(
    readonly client: IRedisClient,
    readonly key: string,
    /** Told of what was read; must not throw. */
    readonly told: (entries: readonly Entry[]) => void,
    /** How long an answer may take, in milliseconds. */
    readonly longest = block + patience,
  ) {
    // What went by the connection before may be lost.
    client.on('ready', () => {
      this.#reading = undefined;
    });
    void this.#read();
  }

  /** The id of the last entry that was read. */
  get last(): string {
    return this.#last;
  }

  close(): void {
    this.#isClosed = true;
    this.client.disconnect();
  }

  async #read(): Promise<void> {
    while (!this.#isClosed) {
      const entries = await this.#next();
      if (this.#isClosed) return;
      const last = entries.at(-1);
      if (last === undefined) continue;
      this.#last = last.id;
      this.told(entries);
    }
  }

  /** What comes next; nothing where nothing came in time, or it cannot be had just now. */
  async #next(): Promise<readonly Entry[]> {
    this.#reading ??= this.#begin();
    const reading = this.#reading;
    try {
      const given = await inTime(reading, this.longest);
      if (given !== undefined) return given;
      // The connection is silent, be it dead or not: a new one tells.
      if (!this.#isClosed && reading === this.#reading && this.client.status === 'ready') this.client.disconnect(true);
    } catch {
      await inTime(new Promise(() => {}), pauseAfterError);
      if (!this.#isClosed && this.client.status === 'end') this.client.connect().catch(() => {});
    }
    return [];
  }
  #begin(): Promise<readonly Entry[]> {
    const reading = this.client
      .xread([{ key: this.key, id: this.#last }], { BLOCK: block, COUNT: most })
      .then(entriesOf)
      .finally(() => {
        if (this.#reading === reading) this.#reading = undefined;
      });
    return reading;
  }
}
