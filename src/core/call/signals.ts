/** Whether a value is an AbortSignal, of whatever realm. */
export const isSignal = (value: unknown): value is AbortSignal =>
  value instanceof AbortSignal ||
  (typeof value === 'object' &&
    value !== null &&
    typeof (value as AbortSignal).aborted === 'boolean' &&
    typeof (value as AbortSignal).addEventListener === 'function');

/** Where the last argument stands; undefined ones at the end count as not given. */
export function indexOfLast(args: readonly unknown[]): number {
  let index = args.length - 1;
  while (index >= 0 && args[index] === undefined) index--;
  return index;
}

/** The signal among the arguments: the last one, or the `signal` of the last one. */
export function signalOf(args: readonly unknown[]): AbortSignal | undefined {
  let last = args[args.length - 1];
  if (last === undefined && args.length > 1) last = args[indexOfLast(args)];
  if (typeof last !== 'object' || last === null) return undefined;
  if (isSignal(last)) return last;
  const { signal } = last as { signal?: unknown };
  return isSignal(signal) ? signal : undefined;
}

/** Whatever an abort of a signal ends. */
export interface Watcher {
  abort(reason: unknown): void;
}

interface Watch {
  readonly watchers: Set<Watcher>;
  readonly stop: () => void;
}

const watches = new WeakMap<AbortSignal, Watch>();

/** All that one signal governs shares one listener, which is gone when the last of it has ended. */
export function watch(watcher: Watcher, signal: AbortSignal): void {
  let found = watches.get(signal);
  if (found === undefined) {
    const watchers = new Set<Watcher>();
    const stop = (): void => {
      signal.removeEventListener('abort', abort);
      watches.delete(signal);
    };
    const abort = (): void => {
      stop();
      for (const each of watchers) each.abort(signal.reason);
    };
    signal.addEventListener('abort', abort);
    found = { watchers, stop };
    watches.set(signal, found);
  }
  found.watchers.add(watcher);
}

export function unwatch(watcher: Watcher, signal: AbortSignal): void {
  const found = watches.get(signal);
  if (!found?.watchers.delete(watcher) || found.watchers.size > 0) return;
  found.stop();
  partings.get(signal)?.();
}

/** How the signals made by `join` part from those that they follow. */
const partings = new WeakMap<AbortSignal, () => void>();

/**
 * A signal that follows two others, until nobody watches it any more. Unlike that of `AbortSignal.any` it follows
 * signals of whatever realm, and leaves nothing with one that outlives it.
 */
export function join(one: AbortSignal, other: AbortSignal): AbortSignal {
  const controller = new AbortController();
  const part = (): void => {
    for (const each of [one, other]) unwatch(watcher, each);
  };
  const watcher: Watcher = {
    abort(reason) {
      part();
      controller.abort(reason);
    },
  };
  for (const each of [one, other]) watch(watcher, each);
  partings.set(controller.signal, part);
  return controller.signal;
}
