import { Call } from '../core/call/call.js';
import type { SiteInfo } from '../core/call/policy.js';
import { chainsOf, siteOf, typeOf } from '../core/decoration/lookup.js';
import { labelOf } from '../core/decoration/site.js';
import { ConfigurationError } from '../core/errors.js';
import { show } from '../core/options.js';
import { isCircuitBreaker } from './circuit-breaker.js';
import type { CircuitState, EndIsolation } from './circuit-options.js';
import type { CallCircuits } from './circuit-step.js';

/**
 * A circuit of a method, to look at and to set by hand.
 *
 * @example
 * const { state, failures }: CircuitHandle = circuitOf(weather, 'forecast');
 */
export interface CircuitHandle {
  /** What it is now; read after `halfOpenAfter` an open one is `'half-open'`. */
  readonly state: CircuitState;
  /** Failures in the window, or in a row. */
  readonly failures: number;
  /** Attempts that ended in the window; with `consecutive`, the failures in a row. */
  readonly calls: number;
  /**
   * Rejects all calls from now on, until what it returns is called or disposed; of several isolations, until the last of
   * them has ended. The circuit is closed and empty then. It takes effect whatever `onStateChange` does: what that throws
   * becomes a warning of the process, an `OperoWarning`, here as in `reset` and when an isolation ends.
   */
  isolate(): EndIsolation;
  /** Makes it as new: closed and empty. Isolations end; attempts under way do not count. */
  reset(): void;
}

/**
 * The circuit of a method with `@circuitBreaker`, before its first call too. What it tells is always of now.
 *
 * @param target A class or an instance of it; an instance where each has a circuit of its own (`scope: 'instance'`).
 * @param method The method's name; `'#name'` for a private one, `'static name'` for a static one that shares its
 * name with an instance one.
 * @param key Which of its circuits, where the option `key` tells them apart.
 * @throws ConfigurationError when the target is neither, there is no such method, or it has no such circuit.
 * @example
 * console.log(circuitOf(Weather, 'forecast').state); // 'closed'
 * using maintenance = circuitOf(Weather, 'forecast').isolate();
 */
export function circuitOf(target: object, method: PropertyKey, key?: string): CircuitHandle {
  const chains = chainsOf(target, 'circuitOf()');
  const site = siteOf(target, chains, method, 'circuitOf()');
  const policy = site?.policies.find(isCircuitBreaker);
  if (site === undefined || policy === undefined) {
    const label = labelOf(typeOf(chains), method);
    throw new ConfigurationError(`circuitOf(): ${label} has no circuit: put @circuitBreaker on it`);
  }
  const circuits = policy.circuits(site);
  const problem = problemWith(circuits, target, key);
  if (problem !== undefined) throw new ConfigurationError(`circuitOf(): ${site.label} has ${problem}`);
  const ofTarget = circuits.byKeyOf(target);
  const byHand = callByHand(target, circuits.site);
  // Looked up each time: one that is as new may be dropped, and made anew by a call.
  return {
    get state() {
      return ofTarget.find(key)?.state ?? 'closed';
    },
    get failures() {
      return ofTarget.find(key)?.failures ?? 0;
    },
    get calls() {
      return ofTarget.find(key)?.calls ?? 0;
    },
    isolate: () => ofTarget.use(key).isolate(byHand),
    reset: () => ofTarget.find(key)?.reset(byHand),
  };
}

/** Why these arguments name none of the circuits; undefined if they name one. */
function problemWith({ sharing, site }: CallCircuits, target: object, key: unknown): string | undefined {
  if (sharing.key === undefined && key !== undefined) return `no circuits by key, got the key ${show(key)}`;
  if (sharing.key !== undefined && typeof key !== 'string') return `a circuit for each key: give one, got ${show(key)}`;
  if (sharing.scope === 'instance' && typeof target === 'function' && !isStatic(site)) {
    return `a circuit for each instance: give one, got ${show(target)}`;
  }
  return undefined;
}

/** What stands for the call in the hook of a change by hand: its receiver is the target, unless that is the class of an instance. */
const callByHand = (target: object, site: SiteInfo): Call | undefined =>
  typeof target === 'function' && !isStatic(site) ? undefined : new Call(() => {}, target, [], undefined, undefined);

const isStatic = ({ member }: SiteInfo): boolean => member?.placement.endsWith('static') === true;
