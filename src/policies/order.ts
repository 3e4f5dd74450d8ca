/**
 * The order of the pipeline, the outermost first. A step of a policy stands in the place that has the name of its kind;
 * where the policy has several steps, or may stand in several places, that is `kind.part`. Those of `definePolicy` stand
 * in the places of `*`, by their stage.
 */
const order = [
  'fallback',
  '*.call',
  'cache',
  'singleFlight',
  'timeout.total',
  'fallback.rotate',
  'retry',
  'hedge',
  '*.attempt',
  'circuitBreaker',
  'timeout.attempt',
  'rateLimit.narrow',
  'concurrency.narrow',
  'rateLimit',
  'concurrency',
  '*.method',
  'chaos',
  'rateLimit.last',
  // Of opero/bullmq.
  'queued',
  'cpuBound',
] as const;

type Place = (typeof order)[number];

/** The rank of a step in the pipeline: the lowest is the outermost. */
export const rankOf = (place: Place): number => order.indexOf(place);

/** The kinds that have a place of their own here: those that opero brings. */
export const ownKinds = (): readonly string[] => {
  const kinds = order.map((place) => place.split('.', 1)[0] as string);
  return [...new Set(kinds)].filter((kind) => kind !== '*');
};
