import { EventEmitter } from 'node:events';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import type { CurrentCall } from 'opero';

/** What is worth another try: no answer, a broken connection, or a status that says "later". */
export class Unavailable extends Error {
  override readonly name = 'Unavailable';
  constructor(
    readonly station: number,
    readonly why: string,
  ) {
    super(`station ${station}: ${why}`);
  }
}

/** What no repetition helps against. */
export class UnknownStation extends Error {
  override readonly name = 'UnknownStation';
}

/** Tells of each `attempt` and each `retry` (both with the station), and of each time the client has `hungUp`. */
export const events = new EventEmitter<{ attempt: [number]; retry: [number]; hungUp: ['timeout' | 'cancel'] }>();

/** How long a request may take, in milliseconds. */
const patience = 350;

/**
 * Asks the server, and settles when the request is over for both sides. At an abort or a timeout the client closes its
 * side of the connection and waits until the server has closed the other: a slot that is given back then is free there
 * as well.
 */
export function ask(port: number, lane: string, station: number, { attempt, signal }: CurrentCall): Promise<string> {
  const started = performance.now();
  events.emit('attempt', station);
  return new Promise((resolve, reject) => {
    const request = httpRequest({
      host: '127.0.0.1',
      port,
      agent: false,
      headers: { 'x-lane': lane, 'x-call': station, 'x-attempt': attempt, 'x-started': started },
    });
    let leaving: { readonly reason: unknown; readonly kind: 'timeout' | 'cancel' } | undefined;
    const leave = (reason: unknown, kind: 'timeout' | 'cancel'): void => {
      if (leaving !== undefined) return;
      leaving = { reason, kind };
      if (request.writableFinished) request.socket?.end();
      else request.once('finish', () => request.socket?.end());
    };
    const onAbort = (): void => leave(signal?.reason, 'cancel');
    const timer = setTimeout(() => leave(new Unavailable(station, `no answer in ${patience} ms`), 'timeout'), patience);
    const done = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
    };
    signal?.addEventListener('abort', onAbort);
    request.on('error', (error) => {
      done();
      if (leaving !== undefined) events.emit('hungUp', leaving.kind);
      reject(leaving === undefined ? new Unavailable(station, error.message) : leaving.reason);
    });
    request.on('response', (response) => {
      read(response, station).finally(done).then(resolve, reject);
    });
    request.end();
  });
}

/** Some requests that count for nothing, so that the first ones that do need not wait for code to be compiled. */
export async function warmUp(port: number): Promise<void> {
  const once = (): Promise<unknown> =>
    new Promise((resolve, reject) => {
      const request = httpRequest({ host: '127.0.0.1', port, agent: false });
      request.on('error', reject).on('response', (response) => read(response, 0).then(resolve, reject));
      request.end();
    });
  for (let round = 0; round < 3; round++) await Promise.all(Array.from({ length: 10 }, once));
}

async function read(response: IncomingMessage, station: number): Promise<string> {
  let text = '';
  for await (const part of response.setEncoding('utf8')) text += part;
  if (response.statusCode === 200) return text;
  if (response.statusCode === 404) throw new UnknownStation(`there is no station ${station}`);
  throw new Unavailable(station, `status ${response.statusCode}`);
}
