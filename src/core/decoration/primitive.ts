/**
 * What has literal types.
 *
 * @example
 * const flags: readonly Primitive[] = ['on', 1, true];
 */
export type Primitive = string | number | bigint | boolean | symbol;

/**
 * A literal of each sort, as the default of a type parameter for literals: what a function gives keeps its literal type
 * only where the compiler expects one of its sort.
 */
export type SomeLiteral = '' | 0 | 0n | true | typeof Symbol.iterator;
