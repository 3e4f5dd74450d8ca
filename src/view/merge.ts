import type { MethodEntry, MethodStats } from '../telemetry/method-entry.js';

/** The circuits' states, the worst last. */
const byBadness = ['closed', 'half-open', 'open', 'isolated'] as const;

const worst = (one: MethodStats['circuit'], other: MethodStats['circuit']): MethodStats['circuit'] => {
  if (one === undefined || other === undefined) return one ?? other;
  return byBadness.indexOf(one) < byBadness.indexOf(other) ? other : one;
};

const fullness = ({ used = 0, limit }: MethodStats): number => (limit === 0 ? -1 : used / limit);

/** Two methods of one name, of two classes of one name, as one: counts are added, of the rest the worst is told. */
export function merged(one: MethodEntry, other: MethodEntry): MethodEntry {
  const [a, b] = [one.stats, other.stats];
  const { limit, used } = fullness(a) < fullness(b) ? b : a;
  const circuit = worst(a.circuit, b.circuit);
  const stats: MethodStats = {
    ...a,
    running: a.running + b.running,
    queued: a.queued + b.queued,
    retries: a.retries + b.retries,
    rejected: a.rejected + b.rejected,
    fallbacks: a.fallbacks + b.fallbacks,
    failures: a.failures + b.failures,
    limit,
    ...(used !== undefined && { used }),
    ...(circuit !== undefined && { circuit }),
  };
  const policies = [...new Set([...one.policies, ...other.policies])];
  return { ...one, policies, stats };
}
