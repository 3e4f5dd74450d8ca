import { usedOf } from '../words.js';
import type { Method, Model } from './model.js';

export type FilterName = 'all' | 'active' | 'trouble';

/** What the methods may be sorted by: the words for it, and the number that the largest stand first by, or none for names. */
export interface Column {
  readonly key: string;
  readonly label: string;
  /** A few words more, shown when it is pointed at. */
  readonly title: string;
  readonly value?: (method: Method) => number;
}

const badness = { isolated: 3, open: 2, 'half-open': 1, closed: 0 };

/** The columns, in their order. */
export const columns: readonly Column[] = [
  { key: 'name', label: 'Method', title: 'Class and method, and its policies in pipeline order' },
  {
    key: 'minute',
    label: 'Last minute',
    title: 'Calls that ended, second by second',
    value: ({ minute }) => sum(minute),
  },
  { key: 'rate', label: 'Calls/s', title: 'Calls that ended, mean of ten seconds', value: ({ state }) => state.rate },
  {
    key: 'p50',
    label: 'p50',
    title: 'Half of the calls of the last ten seconds took no longer',
    value: ({ state }) => state.p50 ?? -1,
  },
  {
    key: 'p99',
    label: 'p99',
    title: '99 of 100 calls of the last ten seconds took no longer',
    value: ({ state }) => state.p99 ?? -1,
  },
  { key: 'running', label: 'Running', title: 'Attempts under way', value: ({ state }) => state.running },
  {
    key: 'queued',
    label: 'Queued',
    title: 'Attempts that wait for a permit or a slot',
    value: ({ state }) => state.queued,
  },
  {
    key: 'limit',
    label: 'Limit',
    title: 'Slots taken of the concurrency limit',
    value: ({ state }) => (state.limit > 0 ? usedOf(state) / state.limit : -1),
  },
  {
    key: 'circuit',
    label: 'Circuit',
    title: 'State of its circuit',
    value: ({ state }) => (state.circuit === undefined ? -1 : badness[state.circuit]),
  },
  {
    key: 'retries',
    label: 'Retries',
    title: 'Since the program began; reasons since the view did',
    value: ({ state }) => state.retries,
  },
  {
    key: 'rejected',
    label: 'Rejected',
    title: 'Attempts turned away since the program began; reasons since the view did',
    value: ({ state }) => state.rejected,
  },
  { key: 'fallbacks', label: 'Fallbacks', title: 'Since the program began', value: ({ state }) => state.fallbacks },
  {
    key: 'error',
    label: 'Last error',
    title: 'Its class, and how long ago',
    value: ({ state }) => state.lastError?.at ?? -1,
  },
];

function sum(values: readonly number[]): number {
  let total = 0;
  for (const value of values) total += value;
  return total;
}

const isActive = ({ state, minute }: Method): boolean =>
  state.rate > 0 || state.running > 0 || state.queued > 0 || sum(minute) > 0;

const passes: Readonly<Record<FilterName, (method: Method) => boolean>> = {
  all: () => true,
  active: isActive,
  trouble: ({ isTroubled }) => isTroubled,
};

/** How many methods each filter lets through. */
export function counted(model: Model): Readonly<Record<FilterName, number>> {
  const counts = { all: 0, active: 0, trouble: 0 };
  for (const method of model.methods.values()) {
    counts.all++;
    if (isActive(method)) counts.active++;
    if (method.isTroubled) counts.trouble++;
  }
  return counts;
}

const byName = new Intl.Collator('en', { numeric: true });

/** Which methods are shown, and in which order. */
export class Order {
  filter: FilterName = 'all';
  search = '';
  column: Column = columns[0] as Column;
  isReversed = false;

  /** Sorts by another column, or by the same the other way round. */
  by(key: string): void {
    const column = columns.find((each) => each.key === key);
    if (column === undefined) return;
    this.isReversed = column === this.column && !this.isReversed;
    this.column = column;
  }

  of(model: Model): Method[] {
    const words = this.search
      .toLowerCase()
      .split(/\s+/)
      .filter((word) => word !== '');
    const passing = passes[this.filter];
    const shown = [...model.methods.values()].filter(
      (method) => passing(method) && words.every((word) => method.searched.includes(word)),
    );
    const { value } = this.column;
    const direction = this.isReversed ? -1 : 1;
    const names = (one: Method, other: Method): number => byName.compare(one.name, other.name);
    if (value === undefined) return shown.sort((one, other) => direction * names(one, other));
    const values = new Map(shown.map((method) => [method, value(method)]));
    const difference = (one: Method, other: Method): number => (values.get(other) ?? 0) - (values.get(one) ?? 0);
    return shown.sort((one, other) => direction * difference(one, other) || names(one, other));
  }
}
