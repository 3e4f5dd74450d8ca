import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { isOwnHost, tokenIn } from './hosts.js';
import type { ViewOptions } from './options.js';

/** Why a request is turned away. */
export interface Refused {
  readonly status: 400 | 401 | 403 | 404 | 405 | 413 | 415;
  readonly text: string;
  readonly headers?: Readonly<Record<string, string>>;
}

const digest = (text: string): Buffer => createHash('sha256').update(text).digest();

/** Whether two texts are the same, in a time that tells nothing of where they differ. */
const isSame = (one: string, other: string): boolean => timingSafeEqual(digest(one), digest(other));

/** Makes the check that every request passes first: the host that it asks for, then its token. */
export function admitting({ host, token }: ViewOptions): (request: IncomingMessage, url: URL) => Refused | undefined {
  const hasToken = ({ headers }: IncomingMessage, url: URL): boolean => {
    if (token === undefined) return true;
    const [, bearer] = /^Bearer +(\S+) *$/i.exec(headers.authorization ?? '') ?? [];
    const shown = bearer ?? tokenIn(url);
    return shown !== null && isSame(shown, token);
  };
  return (request, url) => {
    if (!isOwnHost(request.headers.host, host)) return { status: 403, text: 'This view is not served for that host.' };
    if (hasToken(request, url)) return undefined;
    const text = 'This view asks for its token: as ?token=, or as a Bearer token.';
    return { status: 401, text, headers: { 'WWW-Authenticate': 'Bearer realm="opero view"' } };
  };
}

/** Why a request may not change anything: only the view's own page may, by JSON that a foreign page cannot send unasked. */
export function foreignness({ headers }: IncomingMessage): Refused | undefined {
  const { origin, host } = headers;
  const site = headers['sec-fetch-site'];
  if (!isOriginOf(origin, host) || (site !== undefined && site !== 'same-origin')) {
    return { status: 403, text: 'Only the page of this view may do that.' };
  }
  const [type = ''] = (headers['content-type'] ?? '').split(';');
  if (type.trim().toLowerCase() !== 'application/json') return { status: 415, text: 'It has to be application/json.' };
  return undefined;
}

/** Whether an `Origin` header is that of the page which this host serves; one that is missing is not. */
function isOriginOf(origin: string | undefined, host: string | undefined): boolean {
  const [, name] = /^https?:\/\/([^/]+)$/i.exec(origin ?? '') ?? [];
  return name !== undefined && name.toLowerCase() === host?.toLowerCase();
}
