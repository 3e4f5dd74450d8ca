import { inOrder, type Policy } from '../call/policy.js';
import type { SignalPlace } from '../call/signal-place.js';
import { isPrivate, type Member, type Placement } from '../member.js';
import type { AnyClass, AnyFunction } from '../types.js';
import type { Configured, InForce, TakenOut } from './in-force.js';
import { type ClassInChain, classRecord, recordAt } from './metadata.js';
import { narrowed } from './narrowed.js';

/** Counts in what was configured. */
type CountIn = (declared: readonly InForce[], chain: readonly ClassInChain[], member: Member) => Configured;

/** Set once something is configured, so that programs that configure nothing have no code for it. */
let configured: CountIn | undefined;

/** From now on, what was configured is counted in. */
export const countIn = (counting: CountIn): void => {
  configured = counting;
};

/** What is in force on a method of a class. */
export interface Standing {
  /** The class; undefined where there is none, or where it is not known yet. */
  readonly type?: AnyClass | undefined;
  readonly inForce: readonly InForce[];
  /** The same without what was configured. */
  readonly declared?: readonly InForce[];
  readonly takenOut?: readonly TakenOut[];
  /** The interceptor that runs the pipeline; others of this method call through. */
  readonly entry: AnyFunction | undefined;
  readonly signalAt: SignalPlace | undefined;
}

export const noneTakenOut: readonly TakenOut[] = [];

/** A private member has no inheritance: only the class that declares it counts, whatever the receiver's class. */
export const chainOfMember = (chain: readonly ClassInChain[], member: Member): readonly ClassInChain[] =>
  isPrivate(member) ? chain.filter((level) => level.metadata === member.holder) : chain;

export function standingOf(chain: readonly ClassInChain[], member: Member): Standing {
  const { name, placement } = member;
  const own = chainOfMember(chain, member);
  const entry = own.map((level) => recordAt(level, placement, name)?.entry).find((each) => each !== undefined);
  const sources = [...nearestFirst(own, placement, name)];
  const signalAt = sources.find((each) => each.signalAt !== undefined)?.signalAt;
  const declared = resolve(sources);
  const { inForce, takenOut } = configured?.(declared, own, member) ?? { inForce: declared, takenOut: noneTakenOut };
  return { type: chain[0]?.type, inForce, declared, takenOut, entry, signalAt };
}

/** What a record says, as a candidate for being in force. */
interface Source {
  readonly level: ClassInChain;
  readonly policies: readonly Policy[];
  readonly signalAt: SignalPlace | undefined;
}

/** The policies in force, in pipeline order: of each kind the nearest. */
function resolve(sources: readonly Source[]): InForce[] {
  const found = new Map<string, InForce>();
  for (const { level, policies } of sources) {
    for (const policy of policies) {
      if (!found.has(policy.kind)) found.set(policy.kind, { policy, declaredBy: level.type });
    }
  }
  return inOrder([...found.values()], ({ policy }) => policy);
}

/**
 * Where policies may come from, the nearest first. The numbers stand beside the branches:
 * 1. The method's own decorators, in the most derived class that defines it.
 * 2. The class-level policies from the instance's class down to that class.
 * 3. The same from the next base that defines it, until one says `inherit: false`.
 * 4. In the end, the class-level policies of the bases that are left.
 */
function* nearestFirst(chain: readonly ClassInChain[], placement: Placement, name: PropertyKey): Generator<Source> {
  let classLevel = placement === 'instance';
  let isDefined = false;
  let classesNotDefiningIt: ClassInChain[] = [];
  for (const level of chain) {
    const record = recordAt(level, placement, name);
    // It is the method called that must be async for class-level policies.
    if (record !== undefined && !isDefined) classLevel &&= record.isAsync;
    isDefined ||= record !== undefined;
    if (record !== undefined) {
      // 1
      yield { level, policies: record.policies, signalAt: record.signalAt };
      // 2
      const between = record.inherit ? [...classesNotDefiningIt, level] : classesNotDefiningIt;
      if (classLevel) yield* classSources(between, name);
      // 3
      if (!record.inherit) return;
      classesNotDefiningIt = [];
    } else {
      classesNotDefiningIt.push(level);
    }
    if (classLevel && level.metadata !== undefined && classRecord(level.metadata)?.inherit === false) break;
  }
  // 4
  if (classLevel) yield* classSources(classesNotDefiningIt, name);
}

function* classSources(chain: readonly ClassInChain[], name: PropertyKey): Generator<Source> {
  for (const level of chain) {
    const { policies, signalAt } = (level.metadata && classRecord(level.metadata)) ?? {
      policies: [],
      signalAt: undefined,
    };
    yield { level, policies: policies.flatMap((policy) => narrowed(policy, name) ?? []), signalAt };
  }
}
