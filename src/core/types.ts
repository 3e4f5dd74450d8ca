/**
 * Any function at all; `never` parameters keep it from being called by mistake.
 *
 * @example
 * const alternatives: readonly AnyFunction[] = [readCache, () => 0];
 */
export type AnyFunction = (...args: never[]) => unknown;

/**
 * Any class, abstract ones included.
 *
 * @example
 * const origin: AnyClass | undefined = policiesOf(AlpineWeather, 'forecast')[0]?.declaredBy;
 */
export type AnyClass = abstract new (...args: never[]) => object;

/**
 * A class of errors, abstract ones included.
 *
 * @example
 * const transient: readonly ErrorClass[] = [HttpError, TimeoutError];
 */
export type ErrorClass = abstract new (...args: never[]) => object;

/** One of them, or an array of several. */
export type OneOrMore<Each> = Each | readonly Each[];
