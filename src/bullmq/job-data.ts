import type { Call } from '../core/call/call.js';
import type { SiteInfo } from '../core/call/policy.js';
import { chainOfClass, chainOfPrototype, isHidden } from '../core/decoration/metadata.js';
import type { Member } from '../core/member.js';
import type { AnyClass } from '../core/types.js';
import { nameOf } from '../workers/shape.js';
import { encodeArgs, encodeFailure, type JobData, type Terms } from './message.js';

const isStatic = ({ placement }: Member): boolean => placement.endsWith('static');

/** The names of the classes of a receiver, the most derived first. */
export const classNamesOf = (self: object, member: Member): string[] => {
  const chain = isStatic(member) ? chainOfClass(self as AnyClass) : chainOfPrototype(self);
  // What one object has of its own is of no class that has a name.
  return chain
    .filter(({ prototype }) => prototype === undefined || !isHidden(prototype))
    .map(({ type }) => (type === undefined ? '' : nameOf(type)));
};

/** What tells the method of a job, in every program that has its class. */
export const targetOf = (self: object, member: Member): Pick<JobData, 'class' | 'method' | 'static'> => ({
  class: classNamesOf(self, member)[0] ?? '',
  method: String(member.name),
  ...(isStatic(member) && { static: true }),
});

/** The receiver of a call; without one, or with a foreign one, the class that declares the policy stands in. */
function receiverOf(self: unknown, site: SiteInfo): object {
  if ((typeof self === 'object' && self !== null) || typeof self === 'function') return self;
  const declaring = site.declaredBy('queued') as AnyClass;
  return isStatic(site.member as Member) ? declaring : (declaring.prototype as object);
}

/**
 * The job of a call.
 *
 * @throws JobError when its arguments cannot travel.
 */
export function jobDataOf(call: Call, site: SiteInfo, terms: Terms, governing: AbortSignal | undefined): JobData {
  const { self, args, attempt, hedge, error } = call;
  return {
    opero: 1,
    ...targetOf(receiverOf(self, site), site.member as Member),
    args: encodeArgs(args, terms, governing),
    attempt,
    ...(hedge > 0 && { hedge }),
    ...(error !== undefined && { error: encodeFailure(error, terms) }),
  };
}
