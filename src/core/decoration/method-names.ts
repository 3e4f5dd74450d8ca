/** Whether a name may be any, as in string[]. */
export type IsWide<Name extends PropertyKey> = Record<never, never> extends Record<Name, never> ? true : false;

/** The members of what a class makes. */
type Made<Target> = Target extends { readonly prototype: infer Instance } ? keyof Instance : never;

/** The members of a class and of what it makes, or of an instance, as far as the compiler knows them. */
type Members<Target> = keyof Target | Made<Target>;

/** By their texts too, where they are numbers; and static ones by what tells them from those of instances. */
type Texts<Target> = `${Members<Target> & number}` | `static ${keyof Target & (string | number)}`;

/** Any name, where the compiler knows no member. */
type AnyOfUnknown<Target> = [Exclude<Members<Target>, 'prototype'>] extends [never] ? PropertyKey : never;

/**
 * The names that methods of a class or of an instance may have, as far as the compiler knows them: of private ones it does
 * not. Its name is what the compiler shows of it. `Other`: what may be a name beside the texts; nobody misspells those.
 */
export type NameOfMethod<Target, Other = number | symbol> =
  | Members<Target>
  | Texts<Target>
  | `#${string}`
  | Other
  | AnyOfUnknown<Target>;

/** A name of which nothing is known, as it is no literal. */
export type UnknownName<Name extends PropertyKey> = IsWide<Name> extends true ? Name : never;
