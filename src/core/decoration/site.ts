import { runner } from '../call/pipeline.js';
import type { Policy, SiteInfo, State } from '../call/policy.js';
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
import type { Member } from '../member.js';
import type { PolicyKind } from '../policies.js';
import type { AnyClass, AnyFunction } from '../types.js';
import { WeakList } from '../weak-list.js';
import type { InForce, TakenOut } from './in-force.js';
import type { ClassInChain } from './metadata.js';
import { noneTakenOut, type Standing, standingOf } from './standing.js';
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
    { type, inForce, declared = inForce, takenOut = noneTakenOut, entry, signalAt }: Standing,
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
