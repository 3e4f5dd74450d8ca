/**
 * Whether a type fits another. Both stand in objects, as the compiler puts off a comparison of bare type parameters, and
 * of `this`, for good.
 */
export type Fits<Source, Target> = { is: Source } extends { is: Target } ? true : false;

/**
 * Whether a type may fit another: type parameters of the class, whose bounds do not count here, stand for anything. Where
 * the comparison of the two is put off for good, the one around it fails at once. The method stands in it to have it
 * wait until the method is known.
 */
export type MayFit<Fn, Source, Target> = [Fn, { is: true }] extends [
  unknown,
  { is: Fits<Source, Target> extends true ? never : true },
]
  ? false
  : true;
