import { type ArgumentsHost, Catch, type ExceptionFilter, Inject, Optional } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { throwError } from 'rxjs';
import type { RejectedError, TimeoutError } from '../core/errors.js';
import { isCircuitOpenError, isRejectedError } from '../core/guards.js';
import { peek } from '../core/peek.js';
import { refusalIn } from '../policies/http-status.js';
import { adapterByShape, type ReplyAdapter } from './reply-adapter.js';
import { leaveToGateway } from './websockets.js';

/** Stands for the errors that tell what to answer, those of other copies of opero included. All others go to other filters. */
const Refusal = Object.defineProperty(class Refusal {}, Symbol.hasInstance, {
  value: (error: unknown) => refusalIn(error) !== undefined,
});

const messages = { 429: 'Too Many Requests', 503: 'Service Unavailable', 504: 'Gateway Timeout' } as const;

function statusOf(refusal: RejectedError | TimeoutError): keyof typeof messages {
  if (isCircuitOpenError(refusal)) return 503;
  return isRejectedError(refusal) ? 429 : 504;
}

/** In how many whole seconds to come again, at least 1; undefined where nobody knows. */
function retryAfterOf(refusal: RejectedError | TimeoutError): number | undefined {
  const retryAfter = peek(refusal, 'retryAfter');
  if (typeof retryAfter !== 'number' || !Number.isFinite(retryAfter)) return undefined;
  return Math.max(1, Math.ceil(retryAfter / 1000));
}

/**
 * Answers HTTP requests that opero turned away: 429 for what a limit did, 503 for an open circuit, 504 for a
 * `TimeoutError`; with `Retry-After` in seconds where it is known when to come again. Of a `RetryError` the last attempt
 * counts, of an `AllFailedError` the first failure that tells. All other errors go to other filters. Outside HTTP the error
 * goes on as it is.
 *
 * @example
 * app.useGlobalFilters(new OperoExceptionFilter());
 */
export class OperoExceptionFilter implements ExceptionFilter {
  readonly #host: HttpAdapterHost | undefined;

  /**
   * Called by Nest, or by hand for `useGlobalFilters`.
   *
   * @param host The adapter that answers. Default: the filter knows the responses of Express and Fastify.
   * @throws Nothing.
   */
  constructor(host?: HttpAdapterHost) {
    this.#host = host;
  }

  /**
   * Called by Nest with an error that tells what to answer.
   *
   * @param error The error.
   * @param host What the error came from.
   * @returns Outside HTTP what passes the error on: in microservices an Observable that fails with it, else itself.
   * @throws Nothing.
   */
  catch(error: unknown, host: ArgumentsHost): unknown {
    const type = host.getType<string>();
    if (type === 'rpc') return throwError(() => error);
    if (type === 'ws') leaveToGateway(error, host);
    const refusal = refusalIn(error);
    if (type !== 'http' || refusal === undefined) return error;
    this.#answer(refusal, host.switchToHttp().getResponse<unknown>());
    return undefined;
  }

  #answer(refusal: RejectedError | TimeoutError, response: unknown): void {
    const adapter: ReplyAdapter = this.#host?.httpAdapter ?? adapterByShape;
    if (adapter.isHeadersSent(response)) {
      adapter.end(response);
      return;
    }
    const retryAfter = retryAfterOf(refusal);
    if (retryAfter !== undefined) adapter.setHeader(response, 'Retry-After', String(retryAfter));
    const statusCode = statusOf(refusal);
    adapter.reply(response, { statusCode, message: messages[statusCode] }, statusCode);
  }
}

Catch(Refusal)(OperoExceptionFilter);
Optional()(OperoExceptionFilter, undefined, 0);
Inject(HttpAdapterHost)(OperoExceptionFilter, undefined, 0);
