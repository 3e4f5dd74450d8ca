/**
 * What `@orchestrate` and the like take for each kind of policy: a key for each, with the type of its options, shorthands
 * included. Each policy adds its own line; so may yours.
 *
 * @example
 * const audit = definePolicy({
 *   kind: 'audit',
 *   stage: 'call',
 *   options: { level: oneOf('low', 'high') },
 *   around: (next) => next(),
 * });
 *
 * declare module 'opero' {
 *   interface Policies {
 *     readonly audit: Parameters<typeof audit>[0];
 *   }
 * }
 */
// biome-ignore lint/suspicious/noEmptyInterface: the policies fill it
export interface Policies {}

/**
 * The kinds of policy, by the name of their decorator.
 *
 * @example
 * const kinds: PolicyKind[] = policiesOf(weather, 'forecast').map(({ kind }) => kind); // ['fallback', 'retry']
 */
export type PolicyKind = keyof Policies & string;
