import { ConfigurationError } from '../errors.js';
import type { Member } from '../member.js';
import type { AnyClass, AnyFunction } from '../types.js';
import { forgetSites, isInterceptor } from './interceptor.js';
import { allKnown, know } from './known.js';
import {
  type ClassInChain,
  classRecord,
  isAsync,
  isSeen,
  type MemberRecord,
  memberRecords,
  namesAt,
  recordAt,
  setClassOfHolder,
  writeMember,
} from './metadata.js';
import { callsSuper, isMarked, isWritten } from './replaced.js';
import { labelOf, outdateSites } from './site.js';

/** Puts an interceptor in front of a method. */
type Govern = (member: Member, fn: AnyFunction) => AnyFunction;

/** The prototypes whose methods were looked at. */
const linked = new WeakSet<object>();
/** Where something foreign stood on a prototype, and what stands there now. It may be taken away: they are looked at again. */
const watched = new WeakMap<object, Map<PropertyKey, unknown>>();
/** Foreign functions that were left as they are: no interceptor of the class in whose place they stand is behind them. */
const leftAlone = new WeakSet<object>();

/** Whether there is nothing left to look at in a class. */
const isDone = ({ prototype = {} }: ClassInChain): boolean => linked.has(prototype) && !watched.has(prototype);

/** A place on a prototype, and what stands there. */
export interface Spot {
  readonly prototype: object;
  readonly name: PropertyKey;
  readonly value: unknown;
}

/** A member of a class that may have to be linked. */
interface Candidate {
  readonly type: AnyClass;
  readonly prototype: object;
  readonly metadata: object | undefined;
  readonly name: PropertyKey;
  /** The class and its bases. */
  readonly chain: readonly ClassInChain[];
  /**
   * Whether a base has policies for it by a decorator on the method; undefined where it is not governed there, and only
   * class-level policies may reach it.
   */
  readonly inherited: boolean | undefined;
}

/** Puts the undecorated methods that inherit policies, or get them from a class, behind the interceptor: once a class. */
export function linkMembers(all: readonly ClassInChain[], govern: Govern): void {
  for (const { type, metadata } of all.toReversed()) {
    if (metadata !== undefined && type !== undefined) setClassOfHolder(metadata, type);
  }
  if (all.every(isDone)) return;
  /** What the bases know of a method, and whether a decorator on it is among that. */
  const inherited = new Map<PropertyKey, boolean>();
  let classLevel = false;
  for (const [at, level] of [...all.entries()].reverse()) {
    const { type, prototype, metadata } = level;
    classLevel ||= ((metadata && classRecord(metadata)?.policies) ?? []).length > 0;
    if (type !== undefined && prototype !== undefined && !isDone(level)) {
      if (classLevel || inherited.size > 0) {
        const chain = all.slice(at);
        for (const name of new Set([...Reflect.ownKeys(prototype), ...namesAt(level, 'instance')])) {
          const isConcerned = classLevel || inherited.has(name);
          const candidate = { type, prototype, metadata, name, chain, inherited: inherited.get(name) };
          if (isConcerned && name !== 'constructor') lookAt(candidate, govern);
        }
      }
      know(type);
      // Only now: a class that could not be linked fails at the next construction too.
      linked.add(prototype);
    }
    for (const name of namesAt(level, 'instance')) {
      const { policies } = recordAt(level, 'instance', name) as MemberRecord;
      inherited.set(name, policies.length > 0 || inherited.get(name) === true);
    }
  }
}

/**
 * Links the methods of a class as soon as it is defined, so that what its own static fields and blocks make is governed.
 * Where those ran before, they are governed from now on. Its first construction looks at it again: it may have got more.
 */
export function linkDefinition(chain: readonly ClassInChain[], govern: Govern): void {
  const prototype = chain[0]?.prototype;
  if (prototype === undefined) return;
  if (linked.delete(prototype)) {
    for (const level of chain) for (const name of namesAt(level, 'instance')) outdate([level], name);
  }
  linkMembers(chain, govern);
  linked.delete(prototype);
}

/** The classes that extend the one of a prototype, and were linked before. */
export const linkedBelow = (prototype: object): AnyClass[] =>
  [...allKnown()].filter((type) => {
    const own = type.prototype as object;
    const isBelow = Object.prototype.isPrototypeOf.call(prototype, own);
    return isBelow && (linked.has(own) || memberRecords(own, 'instance') !== undefined);
  });

function lookAt(candidate: Candidate, govern: Govern): void {
  const { prototype, name, metadata } = candidate;
  if (metadata && memberRecords(metadata, 'instance')?.has(name)) return;
  unlinkIfReplaced(candidate);
  const isNew = memberRecords(prototype, 'instance')?.get(name) === undefined;
  const fn = isNew ? methodToLink(candidate) : undefined;
  if (fn !== undefined) linkMember(candidate, fn, govern);
  const spots = watched.get(prototype);
  if (spots?.has(name)) spots.set(name, ownValue(prototype, name));
}

const ownValue = (prototype: object, name: PropertyKey): unknown =>
  Object.getOwnPropertyDescriptor(prototype, name)?.value;

/** Forgets a method that was linked, where what stands there now has not its interceptor behind it. */
function unlinkIfReplaced({ type, prototype, name, chain }: Candidate): void {
  const records = memberRecords(prototype, 'instance');
  const record = records?.get(name);
  const value = ownValue(prototype, name);
  if (record === undefined || value === record.entry) return;
  // A spy that was put on the interceptor; or a stub, which nobody expects policies of.
  const isPutOnIt = typeof value === 'function' && !isInterceptor(value) && !leftAlone.has(value);
  if (isPutOnIt && !isWritten(type, value)) return;
  outdate(chain, name);
  records?.delete(name);
}

/** The method that is to be put behind the interceptor, if there is one; and watches what may be there for a while only. */
function methodToLink({ type, prototype, metadata, name, chain, inherited }: Candidate): AnyFunction | undefined {
  const value = ownValue(prototype, name);
  if (typeof value !== 'function' || isInterceptor(value)) return undefined;
  const isGoverned = inherited !== undefined || isAsync(value);
  if (!isWritten(type, value)) {
    const hasPolicies = inherited || isAsync(value);
    // Where nothing sees constructions, what stands there is what somebody wanted to be linked.
    const mayStay = metadata === undefined && chain.some(isSeen);
    const stays = isMarked(value) || (mayStay && (callsSuper(type, name) || !hasPolicies));
    if (stays || isGoverned) watch(prototype, name);
    if (stays) leftAlone.add(value);
    if (stays) return undefined;
  }
  return isGoverned ? (value as AnyFunction) : undefined;
}

function watch(prototype: object, name: PropertyKey): void {
  const spots = watched.get(prototype) ?? new Map<PropertyKey, unknown>();
  watched.set(prototype, spots.set(name, undefined));
}

function linkMember({ type, prototype, name, chain }: Candidate, fn: AnyFunction, govern: Govern): void {
  const property = Object.getOwnPropertyDescriptor(prototype, name);
  if (!property?.configurable && !property?.writable) {
    const problem = 'it inherits policies, but its class is frozen before its first construction';
    throw new ConfigurationError(`${labelOf(type, name)}: ${problem}; decorate it, or freeze later`);
  }
  const entry = govern({ name, placement: 'instance', holder: prototype }, fn);
  Object.defineProperty(prototype, name, { ...property, value: entry });
  // Where its constructions are not seen, it may have been called before.
  if (linked.has(prototype) || !chain.some(isSeen)) outdate(chain, name);
  writeMember(prototype, 'instance', name, { policies: [], inherit: true, isAsync: isAsync(fn), entry });
}

/** Has what is known of a method be found anew: calls of the class may begin elsewhere, or have other policies, now. */
function outdate(chain: readonly ClassInChain[], name: PropertyKey): void {
  outdateSites();
  for (const level of chain) {
    const entry = recordAt(level, 'instance', name)?.entry;
    if (entry !== undefined) forgetSites(entry);
  }
}

/** What stood in the watched places of these classes when they were last looked at. */
export const watchedSpots = (chain: readonly ClassInChain[]): Spot[] =>
  chain.flatMap(({ prototype }) =>
    prototype === undefined
      ? []
      : [...(watched.get(prototype) ?? [])].map(([name, value]) => ({ prototype, name, value })),
  );

export const isUnchanged = ({ prototype, name, value }: Spot): boolean => ownValue(prototype, name) === value;
