/** What the promises are made of: what both sides know, and a line that puts two figures beside each other. */
import type { CircuitState, PolicyInForce, Stats } from 'opero';
import type { CallRecord } from './calls.js';
import type { CircuitNote, LeftBy } from './request.js';

/** A method of a concrete class: what its policies promise, what it counted itself, and its circuit in the end. */
export interface Lane {
  readonly name: string;
  readonly policies: readonly Pick<PolicyInForce, 'kind' | 'options'>[];
  readonly stats: Stats;
  readonly circuit: CircuitState;
}

/** What the client's side knows when all is over. */
export interface ClientRecord {
  readonly calls: readonly CallRecord[];
  readonly planned: number;
  readonly lanes: readonly Lane[];
  /** How often it gave up on a request under way, and why. */
  readonly hungUp: Readonly<Record<LeftBy, number>>;
  /** Every change of a circuit, in order. */
  readonly circuits: readonly CircuitNote[];
  /** How late its timers came, in milliseconds. */
  readonly late: number;
}

export interface Line {
  readonly what: string;
  readonly promised: string;
  readonly seen: string;
  readonly note: string;
  readonly kept: boolean;
}

export const line = (what: string, promised: unknown, seen: unknown, kept: boolean, note = ''): Line => ({
  what,
  promised: String(promised),
  seen: String(seen),
  note,
  kept,
});

/** An option that is a number, of a policy that is in force. */
export const optionOf = ({ policies }: Pick<Lane, 'policies'>, kind: string, name: string): number =>
  Number(policies.find((policy) => policy.kind === kind)?.options[name]);

/** The most times that lie in any window of this length, the window's end not included. */
export function mostWithin(times: readonly number[], length: number): number {
  const sorted = times.toSorted((one, other) => one - other);
  let most = 0;
  let first = 0;
  for (const [index, time] of sorted.entries()) {
    while (time - (sorted[first] as number) >= length) first++;
    most = Math.max(most, index - first + 1);
  }
  return most;
}

/** How many items have each key. */
export function countBy<Item, Key extends string>(
  items: readonly Item[],
  keyOf: (item: Item) => Key | undefined,
): Partial<Record<Key, number>> & Record<string, number> {
  const counts: Record<string, number> = {};
  for (const item of items) {
    const key = keyOf(item);
    if (key !== undefined) counts[key] = (counts[key] ?? 0) + 1;
  }
  return counts as Partial<Record<Key, number>> & Record<string, number>;
}
