import { isIP } from 'node:net';

/** The token in an address; null where it has none. A `+` may stand for itself there: no token has the space that it means else. */
export const tokenIn = ({ searchParams }: URL): string | null =>
  searchParams.get('token')?.replaceAll(' ', '+') ?? null;

export const withoutBrackets = (host: string): string => host.replace(/^\[(.*)\]$/, '$1');

/** Whether a host is this machine, and none but itself can ask it. */
export const isLoopback = (host: string): boolean => /^(localhost|127(\.\d{1,3}){3}|::1)$/i.test(withoutBrackets(host));

/** Whether it stands for every address of the machine. */
export const isEveryAddress = (host: string): boolean => host === '0.0.0.0' || host === '::';

/** The host of a `Host` header, without its port; undefined where it is none. */
export function hostOf(header: string | undefined): string | undefined {
  const [, host] = /^(\[[\da-f:.]+\]|[\w.-]+)(?::\d{1,5})?$/i.exec(header ?? '') ?? [];
  return host && withoutBrackets(host).toLowerCase();
}

/**
 * Whether a request for this host may be meant for a view that listens at `own`. A foreign page whose name was made to lead
 * here (DNS rebinding) asks for a host of that name. An address is no name: where the view listens at all addresses, any goes.
 */
export function isOwnHost(header: string | undefined, own: string): boolean {
  const host = hostOf(header);
  if (host === undefined) return false;
  return isLoopback(host) || host === own.toLowerCase() || (isEveryAddress(own) && isIP(host) !== 0);
}
