/** Whether a name may be any, as in string[]. */
export type IsWide<Name extends PropertyKey> = Record<never, never> extends Record<Name, never> ? true : false;

/** The members of what a class makes. */
type Made<Target> = Target extends { readonly prototype: infer Instance } ? keyof Instance : never;

/** The names that methods of a class or of an instance may have, as far as the compiler knows them: of private ones it does not. */
export type KnownName<Target> = keyof Target | Made<Target> | `#${string}` | `static ${string}`;

/** A name of which nothing is known, as it is no literal. */
export type UnknownName<Name extends PropertyKey> = IsWide<Name> extends true ? Name : never;
