import { type IncomingMessage, request } from 'node:http';
import type { View } from 'opero/view';
import type { Changes, Everything } from '../../src/view/protocol.js';

/** What a view was asked, and by whom. */
export interface Question {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly text: string;
}

/** Asks a view. Unlike `fetch` it says what it is told to of the host and the origin. */
export const ask = (port: number, path: string, { method = 'GET', headers = {}, body }: Question = {}) =>
  new Promise<Answer>((resolve, reject) => {
    const asked = request({ host: '127.0.0.1', port, path, method, headers, agent: false }, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (part: string) => {
        text += part;
        // Events have no end.
        if (response.headers['content-type']?.startsWith('text/event-stream')) response.destroy();
      });
      response.on('close', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, text }));
    });
    asked.on('error', reject);
    asked.end(body);
  });

/** An event as it was sent. */
export interface Sent {
  readonly event: string;
  readonly data: string;
}

/** Listens to a view; each `next()` gives the next event. Ends with `close()`. */
export async function listenTo({ url }: Pick<View, 'url'>) {
  const abort = new AbortController();
  const response = await fetch(`${url}/events`, { signal: abort.signal });
  const reader = (response.body as ReadableStream<Uint8Array>).pipeThrough(new TextDecoderStream()).getReader();
  let text = '';
  const next = async (): Promise<Sent> => {
    for (;;) {
      const [, whole = '', event = '', data = ''] = /^((?:retry: \d+\n)?event: (\w+)\ndata: (.*)\n\n)/.exec(text) ?? [];
      if (whole !== '') {
        text = text.slice(whole.length);
        return { event, data };
      }
      const { done, value } = await reader.read();
      if (done) throw new Error(`the events have ended; left over: ${text}`);
      text += value;
    }
  };
  return {
    next,
    everything: async () => JSON.parse((await next()).data) as Everything,
    changes: async () => JSON.parse((await next()).data) as Changes,
    close: () => abort.abort(),
  };
}
