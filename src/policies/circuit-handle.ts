import type { CircuitsByKey } from './circuit-keys.js';
import type { CircuitState, EndIsolation } from './circuit-options.js';

/**
 * A circuit of a method, to look at and to set by hand.
 *
 * @example
 * const { state, failures }: CircuitHandle = circuitOf(weather, 'forecast');
 */
export interface CircuitHandle {
  /** What it is now; read after `halfOpenAfter` an open one is `'half-open'`. */
  readonly state: CircuitState;
  /** Failures in the window, or in a row. */
  readonly failures: number;
  /** Attempts that ended in the window; with `consecutive`, the failures in a row. */
  readonly calls: number;
  /**
   * Rejects all calls from now on, until what it returns is called or disposed; of several isolations, until the last of
   * them has ended. The circuit is closed and empty then. It takes effect whatever `onStateChange` does: what that throws
   * becomes a warning of the process, an `OperoWarning`, here as in `reset` and when an isolation ends.
   */
  isolate(): EndIsolation;
  /** Makes it as new: closed and empty. Isolations end; attempts under way do not count. */
  reset(): void;
}

/** Looks at a circuit, and sets it by hand; `byHand` is what stands for a call. */
export function handleOf<Context>(
  owned: () => CircuitsByKey<Context>,
  key: unknown,
  byHand: Context | undefined,
): CircuitHandle {
  // Looked up each time: one that is as new may be dropped, and made anew by a call.
  return {
    get state() {
      return owned().find(key)?.state ?? 'closed';
    },
    get failures() {
      return owned().find(key)?.failures ?? 0;
    },
    get calls() {
      return owned().find(key)?.calls ?? 0;
    },
    isolate: () => owned().use(key).isolate(byHand),
    reset: () => owned().find(key)?.reset(byHand),
  };
}
