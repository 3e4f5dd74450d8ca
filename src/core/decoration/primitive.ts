/**
 * What has literal types.
 *
 * @example
 * const flags: readonly Primitive[] = ['on', 1, true];
 */
export type Primitive = string | number | bigint | boolean | symbol;
