import { ConfigurationError } from '../errors.js';
import { show } from '../options.js';
import { ownError } from './own-errors.js';
import { isPlain, withProperty } from './places.js';
import type { SiteInfo } from './policy.js';
import type { SignalPlace } from './signal-place.js';

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

/**
 * The signal among the arguments: the last one, or the `signal` of the last one; or the one in the place given.
 *
 * @throws ConfigurationError when something else stands in the place given.
 */
export function signalOf(args: readonly unknown[], at?: SignalPlace, site?: SiteInfo): AbortSignal | undefined {
  if (at !== undefined) return signalAt(args, at, site);
  let last = args[args.length - 1];
  if (last === undefined && args.length > 1) last = args[indexOfLast(args)];
  if (typeof last !== 'object' || last === null) return undefined;
  if (isSignal(last)) return last;
  const { signal } = last as { signal?: unknown };
  return isSignal(signal) ? signal : undefined;
}

function signalAt(
  args: readonly unknown[],
  { argument, name }: SignalPlace,
  site: SiteInfo | undefined,
): AbortSignal | undefined {
  const given = args[argument];
  if (isSignal(given) && name === undefined) return given;
  if (given === undefined || given === null) return undefined;
  if (name === undefined) throw misplaced(site, argument, 'be an AbortSignal or undefined', given);
  if (typeof given !== 'object') throw misplaced(site, argument, 'be an object or undefined', given);
  const signal: unknown = Reflect.get(given, name);
  if (isSignal(signal)) return signal;
  // One that is not plain is passed on as it is, whatever it holds.
  if (signal === undefined || signal === null || !isPlain(given)) return undefined;
  throw misplaced(site, argument, `hold an AbortSignal or undefined as \`${String(name)}\``, signal);
}

/** What is no signal is never replaced by one. */
function misplaced(site: SiteInfo | undefined, argument: number, allowed: string, given: unknown): ConfigurationError {
  const problem = `signalAt: expected argument ${argument} to ${allowed}, got ${show(given)}`;
  if (site === undefined) return new ConfigurationError(problem);
  return ownError(new ConfigurationError(`${site.label}: ${problem}`), site);
}

/**
 * The arguments with another signal in the place of the caller's: of the last argument, or of the `signal` of a plain
 * object there, which is copied. In a place that the site names it is put there too where the caller gave none. Anything
 * else passes as it is, and `make` is not asked.
 */
export function withSignal(
  args: readonly unknown[],
  at: SignalPlace | undefined,
  make: () => AbortSignal,
): readonly unknown[] {
  if (at !== undefined) return withSignalAt(args, at, make);
  const index = indexOfLast(args);
  const last = args[index];
  if (isSignal(last)) return args.with(index, make());
  return isPlain(last) && isSignal(last.signal) ? args.with(index, withProperty(last, 'signal', make())) : args;
}

function withSignalAt(args: readonly unknown[], { argument, name }: SignalPlace, make: () => AbortSignal): unknown[] {
  const copy = [...args];
  while (copy.length <= argument) copy.push(undefined);
  const given = copy[argument];
  if (name === undefined) copy[argument] = make();
  else if (given === undefined || given === null) copy[argument] = { [name]: make() };
  else if (isPlain(given)) copy[argument] = withProperty(given, name, make());
  return copy;
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
