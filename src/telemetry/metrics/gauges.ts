import type { MethodEntry } from '../method-entry.js';
import { methods } from '../methods.js';
import {
  functionName,
  type GaugeName,
  isGauge,
  type Labels,
  metricNames,
  type SharedGaugeName,
} from './definitions.js';
import { readShared } from './shared-gauges.js';

/** What a gauge shows of one method, store or queue. */
interface Reading {
  readonly labels: Labels;
  readonly value: number;
}

/** The states of a circuit, by how bad they are. */
const states = ['closed', 'half-open', 'open', 'isolated'] as const;

type MethodGaugeName = Exclude<GaugeName, SharedGaugeName>;

/** What a gauge shows of a method: undefined where it has no such thing. */
const readers: { readonly [Name in MethodGaugeName]: (entry: MethodEntry) => number | undefined } = {
  'opero.running': ({ stats }) => stats.running,
  'opero.queued': ({ stats }) => stats.queued,
  'opero.circuit.state': ({ stats }) => (stats.circuit === undefined ? undefined : states.indexOf(stats.circuit)),
  'opero.limit': ({ stats }) => (stats.limit > 0 ? stats.limit : undefined),
};

const sum = (one: number, other: number): number => one + other;

/** What methods of one name show together: the sum, or the worst circuit. */
const joined: { readonly [Name in MethodGaugeName]: (one: number, other: number) => number } = {
  'opero.running': sum,
  'opero.queued': sum,
  'opero.circuit.state': Math.max,
  'opero.limit': sum,
};

export const gaugeNames = metricNames.filter(isGauge);
const isOfMethods = (name: GaugeName): name is MethodGaugeName => Object.hasOwn(readers, name);

/** What a gauge shows of these methods, once for each name. */
function readingsOf(name: MethodGaugeName, entries: readonly MethodEntry[]): Reading[] {
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
  let entries: readonly MethodEntry[] | undefined;
  const read = (name: GaugeName): Reading[] => {
    if (!isOfMethods(name)) return readShared(name);
    entries ??= methods();
    return readingsOf(name, entries);
  };
  return new Map(names.map((name) => [name, read(name)]));
}
