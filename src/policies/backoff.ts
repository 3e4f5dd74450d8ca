import { JitterFactory } from 'exponential-backoff/dist/jitter/jitter.factory.js';
import { getSanitizedOptions } from 'exponential-backoff/dist/options.js';

/** What the waits of a retry are made of. */
export interface Backoff {
  readonly waitMin: number;
  readonly waitMax: number;
  readonly waitMultiplier: number;
  readonly jitter: Jitter;
}

export type Jitter = 'full' | 'none' | 'equal' | 'decorrelated';

/** The wait after the n-th attempt of a call, in milliseconds, jitter included. Asked once for each, in order. */
export type Waits = (nth: number) => number;

/** Without a `waitMax` the waits grow beyond all numbers; of Infinity, a random part may be no number. */
const finite = (wait: number): number => Math.min(wait, Number.MAX_VALUE);

/** The waits of a call: what this gives is called once per call, as some waits depend on the one before. */
export function backoff({ waitMin, waitMax, waitMultiplier, jitter }: Backoff): () => Waits {
  if (waitMin === 0) return () => () => 0;
  if (jitter === 'decorrelated') return () => decorrelated(waitMin, waitMax);
  const blur = jitter === 'equal' ? equal : JitterFactory(getSanitizedOptions({ jitter }));
  const waits: Waits = (nth) => {
    const wait = finite(Math.min(waitMax, waitMin * waitMultiplier ** (nth - 1)));
    // Rounded to whole milliseconds, it may be longer.
    return Math.min(waitMax, blur(wait));
  };
  return () => waits;
}

const equal = (wait: number): number => wait / 2 + (Math.random() * wait) / 2;

function decorrelated(waitMin: number, waitMax: number): Waits {
  let last = waitMin;
  return () => {
    last = Math.min(waitMax, waitMin + Math.random() * (finite(3 * last) - waitMin));
    return last;
  };
}
