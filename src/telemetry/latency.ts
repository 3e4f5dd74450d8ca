import type { RecordableHistogram } from 'node:perf_hooks';
import type { MutableStats } from '../core/call/stats.js';
import { want } from '../core/call/watched.js';
import { node } from '../core/node.js';
import type { Undo } from '../core/undo.js';
import type { Latency, MethodEntry } from './method-entry.js';
import { Wish } from './wish.js';

/** Histograms take integers: microseconds. */
const unit = 1000;
/** To a hundredth, up to an hour: so each takes 26 kB, in place of the 370 that all numbers to a thousandth would take. */
const range = { lowest: 1, highest: 3_600_000 * unit, figures: 2 };

/** How long the calls and the attempts of a method took. */
interface Times {
  readonly calls: RecordableHistogram;
  readonly attempts: RecordableHistogram;
}

/** By the counts of a method: what makes those as new does so with these. */
const kept = new WeakMap<MutableStats, Times>();

function record(stats: MutableStats, of: keyof Times, duration: number): void {
  let times = kept.get(stats);
  if (times === undefined) {
    const { createHistogram } = node('node:perf_hooks');
    times = { calls: createHistogram(range), attempts: createHistogram(range) };
    kept.set(stats, times);
  }
  // A clock may be set back, as fake timers may do; and what takes no time at all, or more than that, is recorded, too.
  times[of].record(Math.min(range.highest, Math.max(1, Math.round(duration * unit))));
}

const wish = new Wish((isOn) => want({ timing: isOn ? record : undefined }));

const none: Latency = { count: 0, mean: 0, p50: 0, p90: 0, p99: 0, max: 0 };

function latencyOf(times: RecordableHistogram | undefined): Latency {
  if (times === undefined || times.count === 0) return none;
  const at = (percent: number): number => times.percentile(percent) / unit;
  return { count: times.count, mean: times.mean / unit, p50: at(50), p90: at(90), p99: at(99), max: times.max / unit };
}

/** What was recorded by the counts of a method; undefined where nothing is, and nothing was. */
export function latencyBy(stats: MutableStats): MethodEntry['latency'] {
  const times = kept.get(stats);
  if (times === undefined && !wish.isOn) return undefined;
  return { calls: latencyOf(times?.calls), attempts: latencyOf(times?.attempts) };
}

/**
 * Has `methods()` tell how long the calls and the attempts of each method take: of those that begin from now on. Costs two
 * looks at the clock and one entry in a histogram for each.
 *
 * @param on False ends it, whoever began it; what was recorded stays.
 * @returns What ends it, unless others want it still: a function that is also a Disposable.
 * @throws ConfigurationError when it is neither true nor false.
 * @example
 * using _ = recordLatency(true);
 * await weather.forecast('Davos');
 * const [entry] = methods();
 * console.log(entry?.latency?.calls.p99);
 */
export const recordLatency = (on: boolean): Undo => wish.set(on, 'recordLatency()');
