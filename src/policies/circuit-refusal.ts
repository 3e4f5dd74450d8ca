import { CircuitOpenError } from '../core/errors.js';

/** Why a circuit lets a call not through. */
export interface Refusal {
  readonly reason: 'open' | 'half-open' | 'isolated';
  /** What is left until a call may probe, in milliseconds; 0 when half-open, Infinity when isolated. */
  readonly retryAfter: number;
  /** What opened the circuit; undefined when isolated. */
  readonly cause: unknown;
  /** More of it, for people. */
  readonly detail: string;
}

/** The error of a call that was refused; `label` is its method for people, as `Weather.forecast`. */
export function circuitOpenError(label: string, { reason, retryAfter, cause, detail }: Refusal): CircuitOpenError {
  return new CircuitOpenError(`${label}: its circuit is ${reason} (${detail})`, reason, retryAfter, cause);
}

export const isolatedRefusal: Refusal = {
  reason: 'isolated',
  retryAfter: Number.POSITIVE_INFINITY,
  cause: undefined,
  detail: 'by hand, until that is undone',
};

export const openRefusal = (why: string, retryAfter: number, cause: unknown): Refusal => ({
  reason: 'open',
  retryAfter,
  cause,
  detail: `${why}; next probe in ${retryAfter} ms`,
});

export const halfOpenRefusal = (why: string, places: number, cause: unknown): Refusal => ({
  reason: 'half-open',
  retryAfter: 0,
  cause,
  detail: `${why}; ${places === 1 ? 'the probe is' : `${places} probes are`} under way`,
});
