/**
 * The kinds of policy, by the name of their decorator.
 *
 * @example
 * const kinds: PolicyKind[] = policiesOf(weather, 'forecast').map(({ kind }) => kind); // ['fallback', 'retry']
 */
export type PolicyKind = 'fallback' | 'retry' | 'rateLimit' | 'concurrency' | 'cpuBound';
