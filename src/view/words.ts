import type { Counted, MethodState } from './protocol.js';

const thin = '\u2009';

/** What is shown of a number that is not known. */
const unknown = '–';

/** A number in at most four characters or so, with tabular digits: 0, 0.3, 12.4, 812, 1.2k. */
export function short(value: number): string {
  if (Number.isNaN(value)) return unknown;
  if (value === 0) return '0';
  if (value < 0.05) return '<0.1';
  if (value < 99.95) return value.toFixed(1).replace(/\.0$/, '');
  if (value < 999.5) return value.toFixed(0);
  if (value < 99_950) return `${(value / 1000).toFixed(1)}k`;
  return value < 999_500 ? `${(value / 1000).toFixed(0)}k` : `${(value / 1e6).toFixed(1)}M`;
}

/** A count, whole up to five digits. */
export const count = (value: number): string => (value < 100_000 ? String(value) : short(value));

/** A rate with one digit after the point, so that a column of them stands still. */
export const rate = (value: number): string => (value > 0 && value < 99.95 ? value.toFixed(1) : short(value));

/** A time in the unit that fits it. */
export function time(ms: number | undefined): string {
  if (ms === undefined) return unknown;
  if (ms === 0) return '0';
  if (ms < 0.095) return `${(ms * 1000).toFixed(0)}${thin}µs`;
  if (ms < 0.995) return `${ms.toFixed(2)}${thin}ms`;
  if (ms < 9.95) return `${ms.toFixed(1)}${thin}ms`;
  if (ms < 999.5) return `${ms.toFixed(0)}${thin}ms`;
  return ms < 99_500 ? `${(ms / 1000).toFixed(1)}${thin}s` : `${(ms / 60_000).toFixed(0)}${thin}min`;
}

/** How long ago something was. */
export function ago(ms: number): string {
  if (Number.isNaN(ms)) return unknown;
  const seconds = Math.max(0, Math.round(ms / 1000));
  if (seconds < 60) return `${seconds}${thin}s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)}${thin}min`;
  return seconds < 172_800 ? `${Math.floor(seconds / 3600)}${thin}h` : `${Math.floor(seconds / 86_400)}${thin}d`;
}

export const nameOf = ({ className, method }: Pick<MethodState, 'className' | 'method'>): string =>
  `${className}.${method}`;

const escaped = (name: string): string => name.replace(/[\\. ]/g, '\\$&');

/** What tells methods apart, whatever stands in their names: `Weather.forecast`, `static Weather.forecast`, `a\.b.c`. */
export const keyOf = (method: Pick<MethodState, 'className' | 'method' | 'static'>): string =>
  `${method.static ? 'static ' : ''}${escaped(method.className)}.${escaped(method.method)}`;

/** Reasons in a few words, the most frequent first; how often is left out where one stands alone. */
export const reasons = (counted: Counted): string =>
  counted.length === 1
    ? String(counted[0]?.[0])
    : counted.map(([reason, times]) => `${reason} ${count(times)}`).join(' · ');

/** How many slots of a limit are taken, where it has one. */
export const usedOf = ({ used, running }: Pick<MethodState, 'used' | 'running'>): number => used ?? running;
