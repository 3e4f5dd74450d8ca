import type { Call } from '../core/call/call.js';
import { channels } from '../core/call/channels.js';
import type { Policy, SiteInfo } from '../core/call/policy.js';
import type { Around, Step } from '../core/call/step.js';
import { tell } from '../core/call/tell.js';
import { policyDecorator } from '../core/decoration/decorate.js';
import type { ContextOnly, PolicyDecorator, WithoutContext } from '../core/decoration/decorator-types.js';
import { callback, fixed, oneOf, readOptions, type Where } from '../core/options.js';
import { keysOf, placing, type ResultSharingConfig } from './flight-options.js';
import { Flights, type SharedRun, type Sharing } from './flights.js';
import { requireMethod } from './methods-only.js';
import { rankOf } from './order.js';
import { Owners } from './owners.js';

/**
 * Options of `@singleFlight`.
 *
 * @example
 * const config: SingleFlightConfig<[id: number]> = { key: (id) => String(id), scope: 'class' };
 */
export type SingleFlightConfig<Args extends readonly unknown[] = never, This = never> = ResultSharingConfig<Args, This>;

declare module '../core/policies.js' {
  interface Policies {
    /** The options of `@singleFlight`; `{}` for none. */
    readonly singleFlight: SingleFlightConfig;
  }
}

const rules = { key: fixed(callback), scope: fixed(oneOf('class', 'instance')) };

export function singleFlightPolicy(given: unknown, where: Where): Policy {
  requireMethod(where, 'singleFlight', 'it would leave out runs of those that change things');
  const config = given === undefined ? {} : given;
  const options = readOptions<SingleFlightConfig>(where, config, rules, { scope: 'instance' });
  const { key, scope } = options;

  const wrap = (around: Around, site: SiteInfo): Step => {
    const { stats } = site;
    const newFlights = (): Flights => new Flights();
    const all = site.stateOf(policy, () => new Owners(site.member === undefined, scope, newFlights));
    const keyOf = keysOf(key, site, 'singleFlight');
    const sharing: Sharing = { site, around, failed: (error, call) => around.fail(error, call) };
    return {
      isBoundary: true,
      beneath: {
        ok(value, run) {
          (run as SharedRun).end(false, value);
          return value;
        },
        fail(error, run) {
          (run as SharedRun).end(true, error);
          throw error;
        },
      },
      admit: function singleFlight(call: Call) {
        let name: string;
        try {
          name = keyOf(call);
        } catch (error) {
          return around.fail(error, call);
        }
        // By the function that told its key, too.
        if (call.aborted) return around.fail(call.reason, call);
        const flights = all.of(call.fn, call.self);
        const run = flights.find(name);
        if (channels.cache.hasSubscribers) {
          tell('cache', call, site, { policy: 'singleFlight', outcome: run === undefined ? 'miss' : 'coalesced' });
        }
        if (run === undefined) return flights.begin(name, call, sharing);
        stats.coalesced++;
        return run.join(call, sharing);
      },
    };
  };

  const policy: Policy = {
    kind: 'singleFlight',
    options,
    steps: [{ rank: rankOf('singleFlight'), wrap }],
    ...placing('singleFlight', 'cache'),
  };
  return policy;
}

// Without parentheses, for the compiler to show what to write.
export function singleFlight<Second>(
  first: unknown,
  second: Second & ContextOnly<Second>,
): { readonly 'write this decorator with parentheses': '@singleFlight()' } & WithoutContext<Second>;
/**
 * Calls that ask for the same while one is under way share that one: the method runs once, and all get what it gives, the
 * very same value or error. A caller who aborts leaves alone; when the last has left, the run is aborted. Nothing is kept
 * once it has ended. For methods that only read.
 *
 * @param config `key` (default: the arguments, all primitives), `scope` (`'instance'`).
 * @throws ConfigurationError at decoration, when an option is wrong, it stands on a class, or beside `@cache`; from the call,
 * when `key` returns no string, or there is none and an object among the arguments.
 * @example
 * class Weather {
 *   \@singleFlight()
 *   async forecast(city: string, options?: { signal?: AbortSignal }): Promise<Forecast> { ... }
 * }
 */
export function singleFlight<Args extends readonly unknown[], This = never>(
  config?: SingleFlightConfig<Args, This>,
): PolicyDecorator<{ methodsOnly: 'singleFlight' } | { option: 'key'; this: This; args: Args }>;
export function singleFlight(...given: readonly unknown[]): unknown {
  return policyDecorator('singleFlight', given, 1, (where) => singleFlightPolicy(given[0], where));
}
