import { runner } from '../call/pipeline.js';
import { inOrder, type Policy, type SiteInfo, type State } from '../call/policy.js';
import type { SignalPlace } from '../call/signal-place.js';
import {
  copyOf,
  countsOf,
  type MutableStats,
  newStats,
  type Standing as PoliciesStanding,
  type Stats,
} from '../call/stats.js';
import { silence } from '../call/watched.js';
import { isPrivate, type Member, type Placement } from '../member.js';
import type { PolicyKind } from '../policies.js';
import type { AnyClass, AnyFunction } from '../types.js';
import { WeakList } from '../weak-list.js';
import type { Configured, InForce, TakenOut } from './in-force.js';
import { type ClassInChain, classRecord, recordAt } from './metadata.js';
import { narrowed } from './narrowed.js';
import { States } from './states.js';

/** Makes a call of a function with a receiver and arguments; always gives a promise. */
export type Run = ReturnType<typeof runner>;
/** The rejection for a call that must not be made in this thread; undefined where it may be. */
type Refuse = () => Promise<never> | undefined;

/** Set in a worker. */
let refuse: Refuse | undefined;

/** From now on no policy is applied in this thread: it is a worker, and the calling side has applied them. */
export const applyNoPolicies = (refusing: Refuse): void => {
  refuse = refusing;
  silence();
};

/** The rejection for what is asked of opero just now, where this thread must not do it. */
export const refusal: Refuse = () => refuse?.();

/** Makes calls through policies, if this thread may make them. */
export function runnerHere(policies: readonly Policy[], site: SiteInfo): Run {
  const run = runner(policies, site);
  const refusing = refuse;
  return refusing === undefined ? run : (fn, self, args) => refusing() ?? run(fn, self, args);
}

/** Counts in what was configured. */
type CountIn = (declared: readonly InForce[], chain: readonly ClassInChain[], member: Member) => Configured;

/** Set once something is configured, so that programs that configure nothing have no code for it. */
let configured: CountIn | undefined;

/** From now on, what was configured is counted in. */
export const countIn = (counting: CountIn): void => {
  configured = counting;
};

let era = 0;

/** From now on the sites that there are find out anew what is in force on them, when they are next looked up. */
export const outdateSites = (): void => {
  era++;
};

/** Runs the calls of a site in another way than through its policies alone; `link` makes what takes them through some. */
export type Detour = (site: Site, link: (policies: readonly Policy[]) => Run) => Run;

let detour: Detour | undefined;

/** Has calls take another way, on the sites that are relinked from now on; undefined: none does. */
export const detourBy = (given: Detour | undefined): void => {
  detour = given;
};

const sites = new WeakList<Site>();

/** All the sites that there are. */
export const allSites = (): Iterable<Site> => sites;

/** What is in force on a method of a class. */
interface Standing {
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

const none: readonly TakenOut[] = [];

/** One method on one concrete class: its policies, its counts, and the pipeline with its limiters. */
export class Site implements SiteInfo {
  readonly className: string | undefined;
  stats: MutableStats = newStats();
  signalAt: SignalPlace | undefined;
  readonly type: AnyClass | undefined = undefined;
  inForce: readonly InForce[];
  declared: readonly InForce[];
  takenOut: readonly TakenOut[];
  entry: AnyFunction | undefined;
  policies: readonly Policy[];
  #era = era;
  #run: Run | undefined;
  #isVerified = false;
  #states = new States();

  constructor(
    readonly label: string,
    readonly name: PropertyKey,
    readonly member: Member | undefined,
    { type, inForce, declared = inForce, takenOut = none, entry, signalAt }: Standing,
    /** Whether it serves only until the class of the method is known. */
    readonly isForNow = false,
  ) {
    this.className = member && nameOfClass(type);
    this.type = type;
    this.inForce = inForce;
    this.declared = declared;
    this.takenOut = takenOut;
    this.entry = entry;
    this.signalAt = signalAt;
    this.policies = policiesOf(inForce);
    this.#beginCounts();
    sites.add(this);
  }

  /** What policies count by themselves is there before the first call. */
  #beginCounts(): void {
    for (const { kind, counts } of this.policies) if (counts !== undefined) countsOf(this.stats, kind, counts);
  }

  stateOf<Each extends State>(policy: Policy, make: () => Each): Each {
    return this.#states.of(policy, make);
  }

  /** What it has counted so far, and what the policies show beside that. */
  statsNow(): Stats {
    return copyOf(this.stats, Object.assign({}, ...this.policies.map((policy) => policy.gauges?.(this))));
  }

  /** How its policies stand now. */
  standingNow(): PoliciesStanding {
    return Object.assign({}, ...this.policies.map((policy) => policy.standing?.(this)));
  }

  declaredBy(kind: PolicyKind): AnyClass | undefined {
    return this.inForce.find(({ policy }) => policy.kind === kind)?.declaredBy;
  }

  /** Makes a call; the first one compiles the pipeline. */
  get run(): Run {
    if (this.#run === undefined) {
      if (refuse !== undefined) this.#run = this.#link([]);
      else
        this.#run = detour === undefined ? this.#link(this.policies) : detour(this, (policies) => this.#link(policies));
    }
    return this.#run;
  }

  /** What it counts and keeps now is that of this pipeline to its end, whatever becomes of the site. */
  #link(policies: readonly Policy[]): Run {
    const { label, className, name, member, signalAt, stats } = this;
    const states = this.#states;
    return runnerHere(policies, {
      label,
      className,
      name,
      member,
      signalAt,
      stats,
      policies: this.policies,
      stateOf: (policy, make) => states.of(policy, make),
      declaredBy: (kind) => this.declaredBy(kind),
    });
  }

  /** The next call compiles the pipeline anew, once its interceptor asks for it; those under way keep theirs. */
  unlink(): void {
    this.#run = undefined;
  }

  /** Has the calls to come meet a site that has counted and kept nothing. Those under way end by what there was. */
  reset(): void {
    this.stats = newStats();
    this.#beginCounts();
    this.#states = new States();
    this.unlink();
  }

  /** Checks, once, what the policies say of the object that they are for. A worker gets objects without their constructor. */
  verify(target: object): void {
    if (this.#isVerified || refuse !== undefined) return;
    for (const policy of this.policies) policy.verify?.(this, target);
    this.#isVerified = true;
  }

  /** Finds out anew what is in force, if that may have changed. */
  refresh(chain: readonly ClassInChain[]): void {
    if (this.#era !== era) this.renew(chain);
  }

  /** Finds out anew what is in force. What the policies keep of the method stays. Gives whether there are others now. */
  renew(chain: readonly ClassInChain[]): boolean {
    this.#era = era;
    Object.assign(this, standingOf(chain, this.member as Member));
    const policies = policiesOf(this.inForce);
    if (policies.length === this.policies.length && policies.every((each, at) => each === this.policies[at]))
      return false;
    this.policies = policies;
    this.#beginCounts();
    this.#run = undefined;
    this.#isVerified = false;
    // At once, and not with the next call: who waits for a limit that has grown goes on now.
    for (const policy of policies) this.#states.renew(policy);
    return true;
  }
}

const policiesOf = (inForce: readonly InForce[]): readonly Policy[] => inForce.map(({ policy }) => policy);

const nameOfClass = (type: AnyClass | undefined): string => type?.name || '(anonymous class)';

export const labelOf = (type: AnyClass | undefined, name: PropertyKey): string =>
  type === undefined ? String(name) : `${nameOfClass(type)}.${String(name)}`;

/** Builds the site of a member for the class that the chain begins with. */
export const createSite = (chain: readonly ClassInChain[], member: Member, isForNow = false): Site =>
  new Site(labelOf(chain[0]?.type, member.name), member.name, member, standingOf(chain, member), isForNow);

/** A private member has no inheritance: only the class that declares it counts, whatever the receiver's class. */
export const chainOfMember = (chain: readonly ClassInChain[], member: Member): readonly ClassInChain[] =>
  isPrivate(member) ? chain.filter((level) => level.metadata === member.holder) : chain;

function standingOf(chain: readonly ClassInChain[], member: Member): Standing {
  const { name, placement } = member;
  const own = chainOfMember(chain, member);
  const entry = own.map((level) => recordAt(level, placement, name)?.entry).find((each) => each !== undefined);
  const sources = [...nearestFirst(own, placement, name)];
  const signalAt = sources.find((each) => each.signalAt !== undefined)?.signalAt;
  const declared = resolve(sources);
  const { inForce, takenOut } = configured?.(declared, own, member) ?? { inForce: declared, takenOut: none };
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
