/**
 * Ends what a helper for tests began: call it, call its `restore`, or declare it with `using`. It does so once.
 *
 * @example
 * const restore: Restore = withoutWaits();
 * afterEach(() => restore());
 */
export interface Restore extends Disposable {
  (): void;
  /**
   * The same, by name.
   *
   * @throws Nothing.
   */
  restore(): void;
}

/** Gives how to end something, whichever way, and once. */
export function restoring(end: () => void): Restore {
  let isOver = false;
  const restore = (): void => {
    if (isOver) return;
    isOver = true;
    end();
  };
  return Object.assign(restore, { restore, [Symbol.dispose]: restore });
}
