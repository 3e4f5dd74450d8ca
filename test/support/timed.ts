/** A promise that never settles. */
export const never = (): Promise<never> => new Promise(() => {});

/** A promise for a moment by the clock in use. */
export const sleep = (milliseconds: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, milliseconds));

/** What a promise came to, and when by a fake clock; nothing yet while it is pending. */
interface Watched {
  at?: number;
  value?: unknown;
  error?: unknown;
}

export function watched(promise: Promise<unknown>): Watched {
  const seen: Watched = {};
  promise.then(
    (value) => Object.assign(seen, { at: Date.now(), value }),
    (error: unknown) => Object.assign(seen, { at: Date.now(), error }),
  );
  return seen;
}
