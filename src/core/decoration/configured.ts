import { inOrder, type Policy } from '../call/policy.js';
import type { Member } from '../member.js';
import type { AnyClass } from '../types.js';
import { type Configuration, configurationsAt, configurationsOfAll } from './configurations.js';
import type { Configured, InForce, TakenOut } from './in-force.js';
import { type ClassInChain, chainOfPrototype, recordAt } from './metadata.js';
import { narrowed } from './narrowed.js';
import { remade, setOrigin } from './remade.js';

/** A configuration that reaches a method, by the class in the chain that it is for. */
interface Reaching {
  readonly configuration: Configuration;
  readonly at: number;
  readonly by: AnyClass | undefined;
}

/** Told what is wrong with a configuration for a policy. */
type OnMisfit = (error: unknown, configuration: Configuration) => void;

const none: readonly TakenOut[] = [];

/**
 * Counts in what was configured: for every class, then for each class of the chain, the bases first, as each changes what
 * the one before has left. What a class declares is changed by what is configured for it and for its subclasses only.
 * `onMisfit` is told of changes that do not fit a policy, which then stays as it is, until they fit again.
 */
export function configured(
  declared: readonly InForce[],
  chain: readonly ClassInChain[],
  member: Member,
  onMisfit: OnMisfit = () => {},
): Configured {
  const reaching = findReaching(chain, member);
  if (reaching.length === 0) return { inForce: declared, takenOut: none };
  const inForce: InForce[] = [];
  const takenOut: TakenOut[] = [];
  for (const each of declared) {
    const level = chain.findIndex(({ type }) => type === each.declaredBy);
    const changed = change(
      each,
      reaching.filter(({ at }) => at <= level),
      onMisfit,
    );
    const policy = changed.policy && asNarrow(changed.policy, each.policy, member.name);
    if (policy === undefined) takenOut.push({ kind: each.policy.kind, configuredBy: changed.by });
    else if (policy === each.policy) inForce.push(each);
    else inForce.push({ policy, declaredBy: each.declaredBy, configuredBy: changed.by });
  }
  return { inForce: inOrder(inForce, ({ policy }) => policy), takenOut };
}

/** From the furthest to the nearest; then overrides, in the same order. */
function findReaching(chain: readonly ClassInChain[], member: Member): Reaching[] {
  const found: Reaching[] = [];
  for (const configuration of configurationsOfAll()) found.push({ configuration, at: -1, by: undefined });
  for (const [at, level] of [...chain.entries()].reverse()) {
    for (const configuration of configurationsAt(level)) {
      const { method } = configuration;
      if (method === undefined || isNamed(member, method, level)) found.push({ configuration, at, by: level.type });
    }
  }
  const rank = ({ configuration }: Reaching): number => (configuration.isOverride ? 1 : 0);
  return found.sort((one, other) => rank(one) - rank(other));
}

/** Whether a member of a class is called so by those who look inside. */
function isNamed({ name, placement }: Member, method: PropertyKey, { type }: ClassInChain): boolean {
  const isStatic = placement.endsWith('static');
  if (name !== method) return isStatic && typeof name === 'string' && method === `static ${name}`;
  // The instance method of that name goes first.
  const prototype: object | undefined = isStatic ? type?.prototype : undefined;
  return !chainOfPrototype(prototype ?? {}).some((level) => recordAt(level, 'instance', name) !== undefined);
}

interface Changed {
  /** Undefined where it was taken out. */
  readonly policy: Policy | undefined;
  readonly by: AnyClass | undefined;
}

function change(
  { policy: { kind }, policy: declared, declaredBy }: InForce,
  reaching: readonly Reaching[],
  onMisfit: OnMisfit,
): Changed {
  let policy = declared;
  let isOut = false;
  let by = declaredBy;
  for (const { configuration, by: configuredBy } of reaching) {
    const wanted = configuration.changes.get(kind);
    if (wanted === undefined) continue;
    try {
      if (wanted !== false) policy = remade(policy, wanted);
    } catch (error) {
      onMisfit(error, configuration);
      continue;
    }
    isOut = wanted === false;
    by = configuredBy ?? declaredBy;
    configuration.applied.add(kind);
  }
  return { policy: isOut ? undefined : policy, by };
}

/** What was made of a policy of a whole class, as it stands for one method. */
function asNarrow(policy: Policy, declared: Policy, name: PropertyKey): Policy | undefined {
  if (policy === declared) return policy;
  const own = narrowed(policy, name);
  if (own !== undefined) setOrigin(own, declared);
  return own;
}
