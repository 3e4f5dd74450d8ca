import type { MethodEntry } from '../method-entry.js';
import { methods } from '../methods.js';
import { functionName, type GaugeName, isGauge, type Labels, metricNames } from './definitions.js';

/** What a gauge shows of one method. */
export interface Reading {
  readonly labels: Labels;
  readonly value: number;
}

/** The states of a circuit, by how bad they are. */
const states = ['closed', 'half-open', 'open', 'isolated'] as const;

/** What a gauge shows of a method: undefined where it has no such thing. */
const readers: { readonly [Name in GaugeName]: (entry: MethodEntry) => number | undefined } = {
  'opero.running': ({ stats }) => stats.running,
  'opero.queued': ({ stats }) => stats.queued,
  'opero.circuit.state': ({ stats }) => (stats.circuit === undefined ? undefined : states.indexOf(stats.circuit)),
  'opero.limit': ({ stats }) => (stats.limit > 0 ? stats.limit : undefined),
};

const sum = (one: number, other: number): number => one + other;

/** What methods of one name show together: the sum, or the worst circuit. */
const joined: { readonly [Name in GaugeName]: (one: number, other: number) => number } = {
  'opero.running': sum,
  'opero.queued': sum,
  'opero.circuit.state': Math.max,
  'opero.limit': sum,
};

export const gaugeNames = metricNames.filter(isGauge);

/** What a gauge shows of these methods, once for each name. */
function readingsOf(name: GaugeName, entries: readonly MethodEntry[]): Reading[] {
  const values = new Map<string, number>();
  for (const entry of entries) {
    const value = readers[name](entry);
    if (value === undefined) continue;
    const method = functionName(entry);
    const before = values.get(method);
    values.set(method, before === undefined ? value : joined[name](before, value));
  }
  return [...values].map(([method, value]) => ({ labels: { 'code.function.name': method }, value }));
}

/** What gauges show now, all of one moment. */
export function readGauges(names: readonly GaugeName[] = gaugeNames): Map<GaugeName, Reading[]> {
  const entries = methods();
  return new Map(names.map((name) => [name, readingsOf(name, entries)]));
}
