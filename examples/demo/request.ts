import { EventEmitter } from 'node:events';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { type CircuitState, type CurrentCall, isTimeoutError } from 'opero';
import { HttpError } from './http-error.js';

/** Who gave a request up that was under way. */
export type LeftBy = 'timeout' | 'cancel';

/** A circuit has changed; `at` is by the client's clock. */
export interface CircuitNote {
  readonly lane: string;
  readonly to: CircuitState;
  readonly at: number;
}

/** Tells of each `attempt` and `retry` (with the station), each time the client has `hungUp`, each change of a `circuit`. */
export const events = new EventEmitter<{
  attempt: [number];
  retry: [number];
  hungUp: [LeftBy];
  circuit: [CircuitNote];
}>();

/**
 * Asks the server, and settles when the request is over for both sides. At an abort, which a timeout is too, the client
 * closes its side of the connection and waits until the server has closed the other: a slot that is given back then is
 * free there as well.
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
    const leave = (): void => {
      if (request.writableFinished) request.socket?.end();
      else request.once('finish', () => request.socket?.end());
    };
    signal?.addEventListener('abort', leave);
    request.on('error', (error) => {
      signal?.removeEventListener('abort', leave);
      if (signal?.aborted) events.emit('hungUp', isTimeoutError(signal.reason) ? 'timeout' : 'cancel');
      reject(error);
    });
    request.on('response', (response) => {
      read(response)
        .finally(() => signal?.removeEventListener('abort', leave))
        .then(resolve, reject);
    });
    request.end();
  });
}

/** Some requests that count for nothing, so that the first ones that do need not wait for code to be compiled. */
export async function warmUp(port: number): Promise<void> {
  const once = (): Promise<unknown> =>
    new Promise((resolve, reject) => {
      const request = httpRequest({ host: '127.0.0.1', port, agent: false });
      request.on('error', reject).on('response', (response) => read(response).then(resolve, reject));
      request.end();
    });
  for (let round = 0; round < 3; round++) await Promise.all(Array.from({ length: 10 }, once));
}

async function read(response: IncomingMessage): Promise<string> {
  let text = '';
  for await (const part of response.setEncoding('utf8')) text += part;
  if (response.statusCode === 200) return text;
  throw new HttpError(response.statusCode ?? 0, response.headers);
}
