import type { PolicyKind } from '../../src/core/policies.js';
import type { builderOf } from '../../src/policies/kinds.js';

/** What has the compiler read all the kinds that opero brings. */
export type Builders = typeof builderOf;

/**
 * Something that the decorator of each kind takes as its one argument; the compiler asks for a line from each new kind.
 * That of `opero/bullmq` is not among what `opero` exports.
 */
export const samples = {
  retry: 2,
  fallback: 'other',
  rateLimit: 2,
  concurrency: 2,
  cpuBound: import.meta.url,
  timeout: 1000,
  circuitBreaker: 5,
  cache: 60_000,
  singleFlight: {},
  chaos: { latency: 1 },
  hedge: 1000,
} satisfies Readonly<Record<Exclude<PolicyKind, 'queued'>, unknown>>;

export type Kind = keyof typeof samples;

/** The kinds of policy that opero brings, and so the names of their decorators. */
export const kinds = Object.keys(samples) as Kind[];
