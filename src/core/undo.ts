/**
 * Undoes something, once; later calls do nothing. Also a Disposable, for `using`.
 *
 * @example
 * const restore: Undo = configure(Weather, 'forecast', { retry: false });
 * restore();
 */
export type Undo = (() => void) & Disposable;

/** A function that does something at its first call, as an `Undo`. */
export function once(undo: () => void): Undo {
  let isDone = false;
  const restore = (): void => {
    if (isDone) return;
    isDone = true;
    undo();
  };
  return Object.assign(restore, { [Symbol.dispose]: restore });
}
