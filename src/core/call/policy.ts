import type { Member } from '../member.js';
import type { Where } from '../options.js';
import type { PolicyKind } from '../policies.js';
import type { AnyClass, ErrorClass } from '../types.js';
import type { ArgumentPlace } from './places.js';
import type { SignalPlace } from './signal-place.js';
import type { Gauges, MutableStats, Standing } from './stats.js';
import type { Around, Step } from './step.js';

/** What a policy may know of the method that it is compiled for. */
export interface SiteInfo {
  /** Where the method stands; undefined for a function without a class. */
  readonly member: Member | undefined;
  /** The method for people: `Weather.forecast`. */
  readonly label: string;
  /** The class for people: `Weather`. Left out where there is none: the label tells what runs the function, `Orchestrator`. */
  readonly className?: string | undefined;
  readonly name: PropertyKey;
  readonly stats: MutableStats;
  /** Where the method takes its signal, if not where signals are looked for. */
  readonly signalAt: SignalPlace | undefined;
  /**
   * What a policy keeps of the method, whatever pipelines it is linked into: made when it is first asked for. A policy that
   * was made of another by other options has the state of that one, and its options are told to it; see `State`.
   */
  stateOf<State extends object>(policy: Policy, make: () => State): State;
  /** The class that the policy of a kind comes from. */
  declaredBy(kind: PolicyKind): AnyClass | undefined;
  /** Every policy in force on the method, in pipeline order. */
  readonly policies: readonly Policy[];
}

/**
 * What a policy keeps of a method. `configure` changes a policy by making it anew: what `kinds.ts` builds it with is given
 * the options that are changed and, as `where.over`, those in force, which `readOptions` fills in. So a policy without a
 * state has nothing to do for that. Where options exclude one another, and where something beside the options shall stay,
 * what builds the policy looks at `where.over` itself. Rules of options that may not change are `fixed`.
 */
export interface State {
  /** Takes the options of the policy that is in force from now on; those who wait and run go on. May come twice. */
  configure?(options: object): void;
}

/** What a policy does in one place of the pipeline. */
export interface PolicyStep {
  /** Its place: the lowest is the outermost. */
  readonly rank: number;
  /** What it is called in an outline of the pipeline, where a policy has several; default: the kind of the policy. */
  readonly name?: string;
  /** What it takes and holds, where methods share that: all of them have to take several such in one order. */
  readonly shares?: object | undefined;
  /** The step of a pipeline; called once per method and concrete class, and again when what is in force there changes. */
  wrap(around: Around, site: SiteInfo): Step;
}

/** One policy, as a decorator records it. */
export interface Policy {
  readonly kind: PolicyKind;
  /** The options, frozen, with shorthands and defaults filled in. */
  readonly options: object;
  /** The error classes that its options name; they keep their identity when they come back from a worker. */
  readonly errorClasses?: readonly ErrorClass[];
  /** The place among the arguments where it puts other values than the caller's; see `replacedPlace`. */
  readonly replaces?: ArgumentPlace | undefined;
  /** Its own counts as they are at first, for `custom` of the statistics. */
  readonly counts?: Readonly<Record<string, number>>;
  /** What it shows of a method in its statistics beside what is counted, as it is when somebody asks. */
  gauges?(site: SiteInfo): Partial<Gauges>;
  /** How it stands on a method, as it is when somebody asks. */
  standing?(site: SiteInfo): Standing;
  /** Makes it anew for `configure`; left out where the kind will always be made in the same way. */
  build?(given: never, where: Where): Policy;
  /** The kind beside which it may not stand on one method. */
  readonly excludes?: PolicyKind;
  /** What it does; most do so in one place. The first of them tells where the policy is listed. */
  readonly steps: readonly [PolicyStep, ...PolicyStep[]];
  /** The same where others stand beside it that it has another place beside; left out: `steps`. */
  stepsBeside?(all: readonly Policy[]): Policy['steps'];
  /** Checks what only a finished object can tell; called once per concrete class, at its first construction. */
  verify?(site: SiteInfo, target: object): void;
  /** What may surprise in this policy among those in force beside it, for `explain`; undefined: nothing. */
  caution?(others: readonly Policy[]): string | undefined;
  /** Makes what it shares with other methods as new, as a budget; what it keeps by `SiteInfo.stateOf` is made anew anyhow. */
  reset?(): void;
  /** The policy as it stands for one method when it was put on a whole class; undefined when it does not apply. */
  narrow?(name: PropertyKey): Policy | undefined;
}

/** The one among some policies that has no room for a further one beside it. */
export const clashOf = (policies: readonly Policy[], { kind, excludes }: Policy): Policy | undefined =>
  policies.find((each) => each.kind === kind || each.kind === excludes || each.excludes === kind);

/** What a policy does where these are in force together. */
export const stepsAmong = (policy: Policy, all: readonly Policy[]): Policy['steps'] =>
  policy.stepsBeside?.(all) ?? policy.steps;

/** What policies do that are in force together, in pipeline order. */
export const stepsOf = (policies: readonly Policy[]): PolicyStep[] =>
  policies.flatMap((policy) => stepsAmong(policy, policies)).sort((one, other) => one.rank - other.rank);

/** What holds policies that are in force together, in pipeline order. */
export function inOrder<Each>(holders: readonly Each[], policyOf: (each: Each) => Policy): Each[] {
  const policies = holders.map(policyOf);
  const rankOf = (each: Each): number => stepsAmong(policyOf(each), policies)[0].rank;
  return [...holders].sort((one, other) => rankOf(one) - rankOf(other));
}
