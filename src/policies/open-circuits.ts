import { allSites } from '../core/decoration/site.js';
import { isCircuitBreaker } from './circuit-breaker.js';

/** The circuits of a method, by key and instance, that let no call through. */
export interface OpenCircuits {
  /** The method for people, as `Weather.forecast`; the name of an Orchestrator. */
  readonly method: string;
  /** How many are open. */
  readonly open: number;
  /** How many are isolated by hand. */
  readonly isolated: number;
}

/** The methods with such circuits, whatever the class. Half-open ones wait for calls, so they are not among these. */
export function openCircuits(): OpenCircuits[] {
  const found: OpenCircuits[] = [];
  for (const site of allSites()) {
    const circuits = site.policies.find(isCircuitBreaker)?.circuits(site);
    if (circuits === undefined) continue;
    const states = [...circuits.states()];
    const [open = 0, isolated = 0] = (['open', 'isolated'] as const).map(
      (wanted) => states.filter((state) => state === wanted).length,
    );
    if (open + isolated > 0) found.push({ method: site.label, open, isolated });
  }
  return found;
}
