import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Refused } from './admit.js';
import { contentSecurityPolicy } from './document.js';

/** The most that a request may bring, in bytes: what the page sends is far less. */
const longestBody = 1024;

/** What every answer says: nobody keeps it, frames it, guesses at its type, or tells another page of its address. */
const always = {
  'Cache-Control': 'no-store',
  'Content-Security-Policy': contentSecurityPolicy,
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Referrer-Policy': 'no-referrer',
  'X-Content-Type-Options': 'nosniff',
};

/** Answers with a text of a type. */
export function answer(response: ServerResponse, type: string, text: string): void {
  response.writeHead(200, { ...always, 'Content-Type': `${type}; charset=utf-8` }).end(text);
}

export function refuse(response: ServerResponse, { status, text, headers }: Refused): void {
  // What the request brings was not read: the next one could not be told from it.
  const all = { ...always, 'Content-Type': 'text/plain; charset=utf-8', Connection: 'close', ...headers };
  response.writeHead(status, all).end(`${text}\n`);
}

export function done(response: ServerResponse): void {
  response.writeHead(204, always).end();
}

/** Begins an answer of server-sent events. */
export function beginEvents(response: ServerResponse): void {
  response.writeHead(200, { ...always, 'Content-Type': 'text/event-stream; charset=utf-8' });
}

/** What a request brings, as JSON; undefined where it is none, or too long. */
export async function bodyOf(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  let length = 0;
  try {
    for await (const chunk of request as AsyncIterable<Buffer>) {
      length += chunk.length;
      if (length > longestBody) return undefined;
      chunks.push(chunk);
    }
    return JSON.parse(Buffer.concat(chunks).toString('utf8')) as unknown;
  } catch {
    return undefined;
  }
}
