import type { RejectedError } from '../errors.js';
import type { Events } from '../events.js';
import type { Call } from './call.js';
import { channels, type ToldKind } from './channels.js';
import type { SiteInfo } from './policy.js';

/** What events say of their method. */
interface MethodFacts {
  readonly className: string;
  readonly method: string;
  readonly static: boolean;
}

/** Whose event it is; `fn` is the function that runs, where that is known: without a class it is that which has a name. */
export const factsOf = (
  { member, name, className, label }: SiteInfo,
  fn: { readonly name: string } | undefined,
): MethodFacts => ({
  className: className ?? label,
  method: member === undefined ? (fn === undefined ? '*' : fn.name || '(anonymous function)') : String(name),
  static: member?.placement.endsWith('static') === true,
});

let latest = 0;

/** A number for a call. */
export const nextCallId = (): number => ++latest;

/** Those of calls that are not traced, but of which something else was told. */
const ids = new WeakMap<Call, number>();

/** The number of a call, which is also that of the calls that policies make beneath. */
export function callIdOf(call: Call): number {
  const { root } = call;
  let id = root.trace?.callId ?? ids.get(root);
  if (id === undefined) {
    id = nextCallId();
    ids.set(root, id);
  }
  return id;
}

/** What an event of a kind says beside what is known of its call. */
type Details<Kind extends ToldKind> = Omit<Events[Kind], 'type' | 'callId' | keyof MethodFacts>;

/** Publishes an event of a call. To be asked only where its channel has subscribers: so nothing is made for nobody. */
export function tell<Kind extends ToldKind>(kind: Kind, call: Call, site: SiteInfo, details: Details<Kind>): void {
  channels[kind].publish({ type: kind, ...factsOf(site, call.fn), callId: callIdOf(call), ...details });
}

/** The same for what is about to stand in for a method. */
export function tellOfFallback(alternative: string, error: unknown, call: Call, site: SiteInfo): void {
  tell('fallback', call, site, { attempt: call.attempt, policy: 'fallback', alternative, error });
}

/** The same for an attempt that was turned away. */
export function tellOfRejection(error: RejectedError, call: Call, site: SiteInfo): void {
  const { policy, reason, retryAfter } = error;
  tell('reject', call, site, { attempt: call.attempt, policy, reason, retryAfter, error });
}
