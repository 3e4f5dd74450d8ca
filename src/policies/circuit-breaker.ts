import type { Call } from '../core/call/call.js';
import { classesOf } from '../core/call/matcher.js';
import type { Policy, SiteInfo } from '../core/call/policy.js';
import { policyDecorator } from '../core/decoration/decorate.js';
import type { ContextOnly, PolicyDecorator, WithoutContext } from '../core/decoration/decorator-types.js';
import type { NeedsOfKey } from '../core/decoration/needs.js';
import type { Where } from '../core/options.js';
import { type CircuitBreaker, type SharedCircuits, sharedCircuitsOf } from './circuit-breaker-object.js';
import { type CircuitBreakerConfig, readCircuit } from './circuit-config.js';
import type { CircuitState } from './circuit-options.js';
import { stepOf } from './circuit-step.js';
import { rankOf } from './order.js';
import { type CallCircuits, circuitsOf, type SiteCircuits } from './told-circuits.js';

declare module '../core/policies.js' {
  interface Policies {
    /** So many failures in a row, the options of `@circuitBreaker`, or a shared circuit breaker. */
    readonly circuitBreaker: number | CircuitBreakerConfig | CircuitBreaker;
  }
}

/** The policy of a circuit breaker; it gives access to the circuits that it keeps for a method. */
interface CircuitBreakerPolicy extends Policy {
  circuits(site: SiteInfo): SiteCircuits;
}

export const isCircuitBreaker = (policy: Policy): policy is CircuitBreakerPolicy => 'circuits' in policy;

export function circuitBreakerPolicy(given: unknown, where: Where): CircuitBreakerPolicy {
  const shared = sharedCircuitsOf(given, where);
  if (shared !== undefined) return sharedPolicy(shared);
  const options = readCircuit(given, where);
  const circuits = (site: SiteInfo): CallCircuits<Call> => site.stateOf(policy, () => circuitsOf(options, site));
  const policy: CircuitBreakerPolicy = {
    kind: 'circuitBreaker',
    options,
    errorClasses: [...classesOf(options.failOn), ...classesOf(options.ignore)],
    steps: [{ rank: rankOf('circuitBreaker'), wrap: (around, site) => stepOf(circuits(site), around, site) }],
    circuits,
    standing: (site) => worstOf(circuits(site)),
  };
  return policy;
}

/** What a circuit may be, the worst last. */
const fromBestToWorst: readonly CircuitState[] = ['closed', 'half-open', 'open', 'isolated'];

/** How the circuits of a method stand: as the worst of them does. */
function worstOf(circuits: SiteCircuits): { readonly circuit: CircuitState } {
  const worst = Math.max(0, ...Array.from(circuits.states(), (state) => fromBestToWorst.indexOf(state)));
  return { circuit: fromBestToWorst[worst] as CircuitState };
}

/** The policy of a circuit that methods share. */
function sharedPolicy(shared: SharedCircuits): CircuitBreakerPolicy {
  const { failOn, ignore } = shared.options;
  return {
    kind: 'circuitBreaker',
    options: Object.freeze({ limiter: shared.breaker }),
    errorClasses: [...classesOf(failOn), ...classesOf(ignore)],
    steps: [{ rank: rankOf('circuitBreaker'), wrap: (around, site) => stepOf(shared.for(site), around, site) }],
    circuits: (site) => shared.for(site),
    standing: (site) => worstOf(shared.for(site)),
    reset: () => shared.reset(),
  };
}

// Without parentheses, for the compiler to show what to write.
export function circuitBreaker<Second>(
  first: unknown,
  second: Second & ContextOnly<Second>,
): { readonly 'write this decorator with parentheses': '@circuitBreaker()' } & WithoutContext<Second>;
/**
 * The circuit that other methods share.
 *
 * @param breaker It; its own options hold for all of them.
 * @throws ConfigurationError at decoration, when it is no CircuitBreaker; from the call, when its `key` returns no string.
 * @throws CircuitOpenError from the call, while the circuit is open, or half-open with every probe under way.
 * @example
 * const backend = new CircuitBreaker(5);
 * class Weather {
 *   \@circuitBreaker(backend)
 *   async forecast(city: string): Promise<Forecast> { ... }
 * }
 */
export function circuitBreaker(breaker: CircuitBreaker): PolicyDecorator;
/**
 * Stops calling a method that keeps failing. When so many attempts have failed, the circuit opens: calls are rejected at
 * once, without a permit or a slot. After `halfOpenAfter` it lets probes through: when they succeed it closes, when one
 * fails it opens again.
 *
 * @param config How many failures in a row open it; or the options, which all have defaults: `consecutive`, or `failureRatio` (0.5) with `window`
 * (10 000 ms) and `minCalls` (20); `halfOpenAfter` (5000 ms), `halfOpenCalls` (1), `failOn`, `ignore`, `failResult`,
 * `slowAfter` (Infinity, in ms), `key`, `scope` (`'class'`), `onStateChange`.
 * @throws ConfigurationError at decoration, when an option is wrong; from the call, when `key` returns no string, or
 * `failOn`, `ignore` or `failResult` a promise.
 * @throws CircuitOpenError from the call, while the circuit is open, or half-open with every probe under way.
 * @example
 * class Weather {
 *   \@circuitBreaker({ failureRatio: 0.5, window: 10_000, minCalls: 20, ignore: RangeError })
 *   async forecast(city: string): Promise<Forecast> { ... }
 * }
 */
export function circuitBreaker<
  This,
  Args extends readonly unknown[],
  Value = unknown,
  KeyArgs extends readonly unknown[] = Args,
>(
  config?: number | CircuitBreakerConfig<Value, This, Args, KeyArgs>,
): PolicyDecorator<
  { option: 'failResult'; result: Value } | NeedsOfKey<KeyArgs, Args> | { option: 'hooks'; this: This; args: Args }
>;
export function circuitBreaker(...given: readonly unknown[]): unknown {
  return policyDecorator('circuitBreaker', given, 1, (where) => circuitBreakerPolicy(given[0], where));
}
