import type { ServerResponse } from 'node:http';

/** One that takes nothing for so many seconds is let go. */
const patience = 30;

/** One who listens. */
interface Listener {
  readonly response: ServerResponse;
  /** How many seconds in a row could not be told, as what came before has not been taken yet. */
  missed: number;
}

const eventOf = (name: string, json: string): string => `event: ${name}\ndata: ${json}\n\n`;

/** Those who listen, by server-sent events. What there is to tell is made once for all of them. */
export class Audience {
  readonly #listeners = new Set<Listener>();

  get size(): number {
    return this.#listeners.size;
  }

  /** Adds one, who gets everything first. */
  add(response: ServerResponse, everything: string): void {
    const listener: Listener = { response, missed: 0 };
    this.#listeners.add(listener);
    response.on('close', () => this.#listeners.delete(listener));
    response.write(`retry: 1000\n${eventOf('all', everything)}`);
  }

  /**
   * Tells them what has changed. Whoever has not taken the last yet is passed over, so that nothing piles up, and gets
   * everything once that is taken.
   */
  tell(changes: string, everything: () => string): void {
    const news = Buffer.from(eventOf('changes', changes));
    let all: Buffer | undefined;
    for (const listener of this.#listeners) {
      const { response } = listener;
      if (response.writableNeedDrain) {
        if (++listener.missed >= patience) response.destroy();
      } else if (listener.missed > 0) {
        listener.missed = 0;
        all ??= Buffer.from(eventOf('all', everything()));
        response.write(all);
      } else {
        response.write(news);
      }
    }
  }

  end(): void {
    for (const { response } of this.#listeners) response.end();
  }
}
