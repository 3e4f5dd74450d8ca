/** What a method gives: `string` of `() => Promise<string>`. */
export type Resolved<Fn> = Fn extends (...args: infer _) => infer Result ? Settled<Result> : never;

/** What a result comes to. Unlike Awaited it is known for the promise of a type parameter, too. */
type Settled<Result> = Result extends PromiseLike<infer Value> ? Value : Result;
