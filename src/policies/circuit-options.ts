import type { Threshold } from './circuit-counts.js';

/**
 * Closed lets calls through, open and isolated let none, half-open lets probes.
 *
 * @example
 * const isUp = (state: CircuitState): boolean => state === 'closed';
 */
export type CircuitState = 'closed' | 'open' | 'half-open' | 'isolated';

/** What the hook of a circuit is told; the `to` of one change is the `from` of the next. */
export interface CircuitChange {
  /** What the circuit was. */
  readonly from: CircuitState;
  /** What it is now. */
  readonly to: CircuitState;
  /** What opened the circuit; undefined when it closed or was isolated. */
  readonly error: unknown;
}

/** The options of a circuit, checked and filled in. `Context` is what its users pass with a call, for the functions here. */
export type CircuitOptions<Context> = Threshold & {
  /** How long it stays open in milliseconds; where it is a function, asked each time that it opens. */
  readonly halfOpenAfter: number | ((opening: number, error: unknown, context: Context) => number);
  /** How many probes may be under way at once, and how many have to succeed. */
  readonly halfOpenCalls: number;
  /** Told after each change, by the call that made it; `context` is undefined where nothing is known of who did. */
  readonly onStateChange?: ((change: CircuitChange, context: Context | undefined) => unknown) | undefined;
  /** Told what `onStateChange` threw at a change by hand, where there is no call to reject. */
  readonly onHookError?: ((error: unknown) => void) | undefined;
};

/**
 * Ends an isolation, once; also a Disposable.
 *
 * @example
 * const end: EndIsolation = circuitOf(weather, 'forecast').isolate();
 * end();
 */
export type EndIsolation = (() => void) & Disposable;
