import type { Call } from '../core/call/call.js';
import { channels } from '../core/call/channels.js';
import { finalError, isFinal } from '../core/call/final-errors.js';
import { callHook } from '../core/call/hooks.js';
import { type Matches, toMatches } from '../core/call/matcher.js';
import { misuse } from '../core/call/own-errors.js';
import type { SiteInfo, State } from '../core/call/policy.js';
import type { Around, Step } from '../core/call/step.js';
import { tell } from '../core/call/tell.js';
import { catchRejection, isThenable } from '../core/call/thenable.js';
import type { OperoEvent } from '../core/events.js';
import { show } from '../core/options.js';
import { type Filled, graceOf } from './cache-options.js';
import { keysOf } from './flight-options.js';
import type { SharedRun, Sharing } from './flights.js';
import { isYounger, type KeptValue, KeptValues } from './kept-values.js';
import { Owners } from './owners.js';

/** What a cache keeps of a method. */
export class Caches implements State {
  private readonly all: Owners<KeptValues>;

  constructor(
    public options: Filled,
    readonly site: SiteInfo,
  ) {
    this.all = new Owners(site.member === undefined, options.scope, () => new KeptValues(this.options.max));
  }

  configure(options: Filled): void {
    this.options = options;
  }

  /** What is kept for a receiver, or for a function where there is no class. */
  of(fn: object, self: unknown): KeptValues {
    const found = this.all.of(fn, self);
    const { max } = this.options;
    if (found.max !== max) found.resize(max);
    return found;
  }
}

/** Whether what a run gave is to be kept. Throws what has the run reject. */
function isKept(value: unknown, run: Call, site: SiteInfo, { cacheResult }: Filled): boolean {
  if (cacheResult === undefined) return true;
  const answer = callHook(cacheResult, run, site, value);
  if (!isThenable(answer)) return Boolean(answer);
  catchRejection(answer);
  const problem = `expected \`cacheResult\` to return true or false, not a promise, got ${show(answer)}`;
  throw misuse('cache', problem, site);
}

/** The step of a cache. */
export function stepOf(options: Filled, caches: Caches, around: Around, site: SiteInfo): Step {
  const { ttl, staleWhileRevalidate, staleIfError } = options;
  const { stats } = site;
  const staleFor = ttl + staleWhileRevalidate;
  const goodFor = ttl + graceOf(options);
  const useless = Math.max(staleFor, goodFor);
  const keyOf = keysOf(options.key, site, 'cache');
  const isMeant: Matches | undefined =
    typeof staleIfError === 'object' && staleIfError.on !== undefined ? toMatches(staleIfError.on) : undefined;

  /** A run has failed of which the callers may not hear. */
  const countFailure = (run: SharedRun): void => {
    if (!run.isCounted) stats.refreshFailures++;
    run.isCounted = true;
  };

  const failRun = (error: unknown, run: SharedRun): never => {
    if (run.isBehind) countFailure(run);
    run.end(true, error);
    throw error;
  };

  /** Has a stale value stand in for the error of a run, if it may. */
  const recover = (error: unknown, call: Call, run: SharedRun): unknown => {
    if (call.aborted || isFinal(error, run)) return around.fail(error, call);
    const kept = (run.flights as KeptValues).look(run.key);
    if (kept === undefined || !isYounger(kept, goodFor)) return around.fail(error, call);
    return isMeant === undefined ? giveStale(kept, call, run) : askFirst(isMeant, error, kept, call, run);
  };

  const askFirst = async (
    matches: Matches,
    error: unknown,
    kept: KeptValue,
    call: Call,
    run: SharedRun,
  ): Promise<unknown> => {
    let meant: unknown;
    try {
      meant = await matches(error, call, site);
    } catch (thrown) {
      return await around.fail(finalError(thrown, call), call);
    }
    if (call.aborted) return await around.fail(call.reason, call);
    return await (meant ? giveStale(kept, call, run) : around.fail(error, call));
  };

  const tellOf = (outcome: OperoEvent<'cache'>['outcome'], call: Call): void =>
    tell('cache', call, site, { policy: 'cache', outcome });

  const giveStale = ({ value }: KeptValue, call: Call, run: SharedRun): unknown => {
    stats.staleHits++;
    if (channels.cache.hasSubscribers) tellOf('stale', call);
    countFailure(run);
    return around.ok(value, call);
  };

  const sharing: Sharing = {
    site,
    around,
    failed: goodFor > ttl ? recover : (error, call) => around.fail(error, call),
  };

  const admitByRun = (key: string, values: KeptValues, call: Call): unknown => {
    const run = values.find(key);
    if (run === undefined) {
      stats.cacheMisses++;
      if (channels.cache.hasSubscribers) tellOf('miss', call);
      return values.begin(key, call, sharing);
    }
    stats.coalesced++;
    if (channels.cache.hasSubscribers) tellOf('coalesced', call);
    return run.join(call, sharing);
  };

  return {
    isBoundary: true,
    beneath: {
      ok(value, call) {
        const run = call as SharedRun;
        let keeps: boolean;
        try {
          keeps = run.isCurrent && isKept(value, run, site, options);
        } catch (thrown) {
          return failRun(finalError(thrown, run), run);
        }
        if (run.end(false, value) && keeps) (run.flights as KeptValues).keep(run.key, value, useless);
        return value;
      },
      fail: (error, call) => failRun(error, call as SharedRun),
    },
    admit: function cache(call) {
      let key: string;
      try {
        key = keyOf(call);
      } catch (error) {
        return around.fail(error, call);
      }
      // By the function that told its key, too.
      if (call.aborted) return around.fail(call.reason, call);
      const values = caches.of(call.fn, call.self);
      const kept = values.use(key);
      if (kept === undefined) return admitByRun(key, values, call);
      if (isYounger(kept, ttl)) {
        stats.cacheHits++;
        if (channels.cache.hasSubscribers) tellOf('hit', call);
        return around.ok(kept.value, call);
      }
      if (staleWhileRevalidate === 0 || !isYounger(kept, staleFor)) {
        if (!isYounger(kept, useless)) values.drop(key);
        return admitByRun(key, values, call);
      }
      stats.staleHits++;
      if (channels.cache.hasSubscribers) tellOf('stale', call);
      if (values.find(key) === undefined) values.beginBehind(key, call, sharing);
      return around.ok(kept.value, call);
    },
  };
}
