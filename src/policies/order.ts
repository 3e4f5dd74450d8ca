/**
 * The order of the pipeline, the outermost first. A step of a policy stands in the place that has the name of its kind;
 * where the policy has several steps, or may stand in several places, that is `kind.part`.
 */
const order = [
  'fallback',
  'retry',
  'rateLimit.narrow',
  'concurrency.narrow',
  'rateLimit',
  'concurrency',
  'cpuBound',
] as const;

export type Place = (typeof order)[number];

/** The rank of a step in the pipeline: the lowest is the outermost. */
export const rankOf = (place: Place): number => order.indexOf(place);
