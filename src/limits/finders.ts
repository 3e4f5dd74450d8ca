import type { Call } from '../core/call/call.js';
import type { Policy, SiteInfo, State } from '../core/call/policy.js';
import { originOf } from '../core/decoration/remade.js';
import { once, type Undo } from '../core/undo.js';
import type { Limit, Limited } from './given.js';
import { type Limiters, limiters, type SharingConfig } from './limiters.js';
import type { StoreConfig } from './store.js';
import { StoredFinder, type StoredMaking } from './stored-finder.js';

/** Makes the limiters of a method's own. */
export interface Making<L, Options> {
  readonly kind: string;
  readonly create: (options: Options) => L;
  readonly configure: (limiter: L, options: Options) => void;
  /** How much one call may ask for. */
  readonly limitOf: (options: Options) => number;
}

/**
 * What a policy keeps of a method: its own limiters, one place for each limit; those that are shared keep themselves. Where
 * limits are in a store, what finds them there.
 */
interface Own<L> extends State {
  readonly finders: readonly (OwnFinder<L> | undefined)[];
  readonly stored: Map<number, Stored>;
}

/** What finds a limit in its store; of which kind that is, only who asks for it knows. */
interface Stored {
  configure(options: unknown): void;
}

/** Finds the limiter of a call. */
export interface Finder<L> {
  find(call: Call): L;
  /** The most that one call could ever ask for: one that fitted once waits until it may run alone. */
  readonly most: number;
  /** The limiter whose limit was the last to move by itself. */
  readonly moved: L | undefined;
  /** Does this with every limiter that there is. */
  each(act: (limiter: L) => void): void;
  /** Does this with every limiter, and with those that come until that is ended. */
  forAll(act: (limiter: L) => void): Undo;
}

/** The same for limiters of a method's own. */
class OwnFinder<L> implements Finder<L> {
  most = 0;

  constructor(
    readonly find: Limiters<L>,
    /** What is done with those that are made. */
    readonly onMade: Set<(limiter: L) => void>,
  ) {}

  forAll(act: (limiter: L) => void): Undo {
    this.find.each(act);
    this.onMade.add(act);
    return once(() => this.onMade.delete(act));
  }

  get moved(): L | undefined {
    return this.find.moved();
  }

  each(act: (limiter: L) => void): void {
    this.find.each(act);
  }

  allow(limit: number): void {
    this.most = Math.max(this.most, limit);
  }
}

/** Gives what finds the limiter of a call, for one of the limits of a policy. */
export function finder<L extends Limited, Options extends SharingConfig>(
  limits: readonly Limit<L, Options>[],
  at: number,
  policy: Policy,
  site: SiteInfo,
  { kind, create, configure, limitOf }: Making<L, Options>,
): Finder<L> {
  const { shared, options } = limits[at] as Limit<L, Options>;
  if (shared !== undefined) {
    const use = { site, kind, key: options().key };
    return {
      find: (call) => shared.find(call, use),
      forAll: (act) => shared.forAll(act),
      get most() {
        return shared.most;
      },
      get moved() {
        return shared.moved;
      },
      each: (act) => shared.each(act),
    };
  }
  const own = ownOf(limits, policy, site, { kind, create, configure, limitOf });
  return own.finders[at] as OwnFinder<L>;
}

/** Gives what finds one of the limits of a policy in its store. */
export function storedFinder<L extends Limited, Gate, Rules, Options extends SharingConfig & StoreConfig>(
  limits: readonly Limit<L, Options>[],
  at: number,
  policy: Policy,
  site: SiteInfo,
  making: Making<L, Options>,
  stored: StoredMaking<Gate, Rules, Options>,
): StoredFinder<Gate, Rules, Options> {
  const { stored: known } = ownOf(limits, policy, site, making);
  let found = known.get(at) as StoredFinder<Gate, Rules, Options> | undefined;
  if (found === undefined) {
    const { shared } = limits[at] as Limit<L, Options>;
    const declared = shared === undefined ? optionsAt<Options>(originOf(policy).options, at) : shared.declared;
    found = new StoredFinder(stored, declared, site.label);
    known.set(at, found as Stored);
  }
  return found;
}

function ownOf<L extends Limited, Options extends SharingConfig>(
  limits: readonly Limit<L, Options>[],
  policy: Policy,
  site: SiteInfo,
  { kind, create, configure, limitOf }: Making<L, Options>,
): Own<L> {
  return site.stateOf(policy, (): Own<L> => {
    const finders = limits.map((each, index) => {
      if (each.shared !== undefined) return undefined;
      const onMade = new Set<(limiter: L) => void>();
      const make = (options: Options): L => {
        const limiter = create(options);
        for (const act of onMade) act(limiter);
        return limiter;
      };
      const found = new OwnFinder(limiters(each.options(), site, kind, make, configure), onMade);
      // That it was declared with, too, though it be configured before the first call.
      const declared = originOf(policy).options;
      for (const options of [declared, policy.options]) found.allow(limitOf(optionsAt(options, index)));
      return found;
    });
    const stored = new Map<number, Stored>();
    return {
      finders,
      stored,
      configure(changed) {
        for (const [index, each] of finders.entries()) {
          const options = optionsAt<Options>(changed, index);
          each?.allow(limitOf(options));
          each?.find.configure?.(options);
          if (each !== undefined) stored.get(index)?.configure(options);
        }
      },
    };
  });
}

/** The options of one of the limits of a policy. */
const optionsAt = <Options>(options: object, at: number): Options =>
  (Array.isArray(options) ? options[at] : options) as Options;

/** The places of the limits of a policy in the pipeline: in the order written, each where it belongs, or later. */
export function ranksOf<L extends Limited, Options extends SharingConfig>(
  limits: readonly Limit<L, Options>[],
  rankOf: (options: Options) => number,
): number[] {
  let latest = Number.NEGATIVE_INFINITY;
  return limits.map(({ options }) => {
    latest = Math.max(latest, rankOf(options()));
    return latest;
  });
}

/** The options of a policy of limits, as they are shown. */
export const shownOf = (limits: readonly { readonly shown: object }[], given: unknown): object =>
  Array.isArray(given)
    ? Object.freeze(limits.map(({ shown }) => shown))
    : (limits[0] as { readonly shown: object }).shown;
