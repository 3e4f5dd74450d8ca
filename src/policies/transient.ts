import { isConfigurationError, isRejectedError, isTimeoutError } from '../core/guards.js';
import { peek, peekItems } from '../core/peek.js';

/** Of Node's sockets and name look-ups, of undici (and so fetch), axios, node-fetch, and PostgreSQL's connections. */
// biome-ignore format: a line for each kind
const transientCodes = new Set([
  'ECONNRESET', 'ECONNREFUSED', 'ECONNABORTED', 'EPIPE', 'ETIMEDOUT', 'ESOCKETTIMEDOUT', 'ENETDOWN', 'ENETUNREACH',
  'ENETRESET', 'EHOSTDOWN', 'EHOSTUNREACH', 'EADDRINUSE', 'EADDRNOTAVAIL', 'ERR_SOCKET_CONNECTION_TIMEOUT',
  'EAI_AGAIN', 'ENOTFOUND', 'ETIMEOUT', 'ESERVFAIL', 'ERR_STREAM_PREMATURE_CLOSE', 'ERR_HTTP2_GOAWAY_SESSION',
  'UND_ERR_CONNECT_TIMEOUT', 'UND_ERR_HEADERS_TIMEOUT', 'UND_ERR_BODY_TIMEOUT', 'UND_ERR_SOCKET', 'UND_ERR_INFO',
  'UND_ERR_RES_CONTENT_LENGTH_MISMATCH', 'ERR_NETWORK',
  '08000', '08001', '08003', '08006', '53300', '57P01', '57P02', '57P03',
]);

/** What pg, ioredis and node-redis say of a connection that went away, in errors that have neither a code nor a name. */
// biome-ignore format: a line for each client
const transientMessages = new Set([
  'Connection terminated unexpectedly', 'Connection terminated due to connection timeout', 'timeout expired',
  'timeout exceeded when trying to connect', 'Query read timeout',
  'Connection is closed.', 'Command timed out',
  'Connection timeout', 'Socket closed unexpectedly',
]);

/** What the TypeErrors of fetch say: of a request, and of a body that breaks off. */
const fetchMessages = new Set(['fetch failed', 'terminated']);

const transientNames = new Set(['TimeoutError', 'MaxRetriesPerRequestError']);
const abortNames = new Set(['AbortError', 'CanceledError', 'CancelError']);

/** So many errors of a chain or tree are looked at; one that goes round, or on for ever, has an end there. */
const mostErrors = 100;

const isOneOf = (set: ReadonlySet<string>, value: unknown): boolean => typeof value === 'string' && set.has(value);

/** The status of a response, if an error has one: its own, or that of the `response` which axios, got and ky give it. */
function statusOf(error: object): number | undefined {
  const response = peek(error, 'response');
  const found = [error, response].flatMap((each) => [peek(each, 'status'), peek(each, 'statusCode')]);
  return found.find((each): each is number => typeof each === 'number' && each >= 100 && each < 600);
}

const isTransientStatus = (status: number): boolean => status >= 500 || [408, 425, 429].includes(status);

/** What an error itself says; undefined: nothing, so that those it came from are asked. */
function ownVerdict(error: object): boolean | undefined {
  if (isRejectedError(error) || isConfigurationError(error)) return false;
  if (isTimeoutError(error)) return true;
  const name = peek(error, 'name');
  if (isOneOf(abortNames, name)) return false;
  const status = statusOf(error);
  if (status !== undefined) return isTransientStatus(status);
  const isKnown =
    isOneOf(transientNames, name) ||
    isOneOf(transientCodes, peek(error, 'code')) ||
    isOneOf(transientMessages, peek(error, 'message'));
  return isKnown || undefined;
}

/** The errors that an error came from: its cause, and what an AggregateError holds. */
const innerOf = (error: object): readonly unknown[] => [
  peek(error, 'cause'),
  ...peekItems(peek(error, 'errors'), mostErrors),
];

/** A failed fetch whose cause has a code is what that says, such as a certificate that has expired. */
const isFailedFetch = (error: object): boolean =>
  peek(error, 'name') === 'TypeError' &&
  isOneOf(fetchMessages, peek(error, 'message')) &&
  typeof peek(peek(error, 'cause'), 'code') !== 'string';

/**
 * Whether to try again may help: the network failed, something took too long, or the server had no time. That is: an
 * error with one of the codes of Node, undici and common clients for a connection that failed; fetch's `'fetch failed'`; a
 * TimeoutError, opero's or another; a `status` or `statusCode` (its own, or its `response`'s) of 408, 425, 429 or 5xx; or
 * an error whose `cause`, or one of whose `errors`, is one of these. Never a `RejectedError`, nor an abort.
 *
 * @param error Anything thrown.
 * @throws Nothing, whatever it is given.
 * @example
 * class Weather {
 *   \@retry({ retryOn: isTransient })
 *   async forecast(city: string): Promise<Forecast> { ... }
 * }
 */
export function isTransient(error: unknown): boolean {
  const asked = new Set<object>();
  const ask = (each: unknown): boolean => {
    if (typeof each !== 'object' || each === null || asked.has(each) || asked.size === mostErrors) return false;
    asked.add(each);
    return ownVerdict(each) ?? (innerOf(each).some(ask) || isFailedFetch(each));
  };
  return ask(error);
}
