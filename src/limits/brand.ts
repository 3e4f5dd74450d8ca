/** For the compiler alone: which kind of policy an object is for that methods share. */
export declare const sharedBy: unique symbol;

/** Options that no such object passes for, though it have properties of their names. */
export interface NotShared {
  readonly [sharedBy]?: never;
}
