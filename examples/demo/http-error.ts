import type { IncomingHttpHeaders } from 'node:http';

/** The server answered, and not well. `isTransient` goes by the status, `parseRetryAfter` by the headers. */
export class HttpError extends Error {
  override readonly name = 'HttpError';
  constructor(
    readonly status: number,
    readonly headers: Headers | IncomingHttpHeaders,
  ) {
    super(`the server answered ${status}`);
  }
}
