/** The order of the pipeline, the outermost first: each step of a policy stands in one of these places. */
const order = [
  'fallback',
  'retry',
  'narrow rateLimit',
  'narrow concurrency',
  'rateLimit',
  'concurrency',
  'cpuBound',
] as const;

export type Place = (typeof order)[number];

/** The rank of a step in the pipeline: the lowest is the outermost. */
export const rankOf = (place: Place): number => order.indexOf(place);
