import type { Events } from '../core/events.js';
import { type KnownStore, knownStores } from '../limits/stored/known-stores.js';
import { on } from '../telemetry/events.js';
import { allJobStats, type JobKind, type JobStats } from '../telemetry/jobs.js';
import { Pace } from './pace.js';
import type { JobState, Shared, StoreState } from './protocol.js';
import { nameOfError } from './reasons.js';

/** How many names of limits are shown of a store, and how many methods with jobs. */
const mostLimits = 20;
const mostJobs = 200;

const byName = new Intl.Collator('en', { numeric: true });

const sum = (counts: readonly number[]): number => counts.reduce((total, each) => total + each, 0);

/** What was told of a store. */
class StoreRow {
  readonly pace = new Pace();
  readonly #limits = new Set<string>();
  #reason: string | undefined;

  tell({ state, name, duration, error }: Events['store']): void {
    if (state === 'trip') this.pace.add(duration ?? 0);
    if (state === 'down') this.#reason = nameOfError(error);
    if (name !== undefined && this.#limits.size < mostLimits) this.#limits.add(name);
  }

  /** `stores` are those that are called so. */
  state(name: string, stores: readonly KnownStore[]): StoreState {
    const downs = stores.flatMap(({ downAt }) => downAt ?? []);
    return {
      name,
      limits: [...this.#limits].sort(byName.compare),
      downAt: downs.length > 0 ? Math.min(...downs) : undefined,
      reason: this.#reason,
      ...this.pace.state,
      outages: sum(stores.map(({ outages }) => outages)),
      lostLeases: sum(stores.map(({ lostLeases }) => lostLeases)),
    };
  }
}

const keyOf = ({ queue, className, method, static: isStatic }: JobKind): string =>
  JSON.stringify([queue, className, method, isStatic]);

const stateOfJob = (stats: Readonly<JobStats>, pace: Pace | undefined): JobState => ({
  ...stats,
  ...(pace ?? new Pace()).state,
});

const inOrder = (one: JobKind, other: JobKind): number =>
  byName.compare(one.queue, other.queue) ||
  byName.compare(`${one.className}.${one.method}`, `${other.className}.${other.method}`);

/** What has happened to stores and jobs since it was made: fed by events, read once a second. */
export class SharedBoard {
  readonly #stores = new Map<string, StoreRow>();
  readonly #jobs = new Map<string, Pace>();
  readonly #stop = [
    on('store', (event) => this.#storeOf(event.store).tell(event)),
    on('job', (event) => this.#tellOfJob(event)),
  ];
  #told: { readonly state: Shared; readonly json: string } | undefined;

  stop(): void {
    for (const each of this.#stop) each();
  }

  /** So many seconds are over. */
  advance(seconds: number): void {
    for (const { pace } of this.#stores.values()) pace.advance(seconds);
    for (const pace of this.#jobs.values()) pace.advance(seconds);
  }

  /** What there is, if it is different from what was told before. */
  change(): Shared | undefined {
    const before = this.#told?.json;
    const { state, json } = this.#tell();
    return json === before ? undefined : state;
  }

  /** What was told last, or what there is if nothing was. */
  all(isFresh: boolean): Shared {
    return isFresh || this.#told === undefined ? this.#tell().state : this.#told.state;
  }

  #tell() {
    const jobs = allJobStats().sort(inOrder);
    const shown = jobs.slice(0, mostJobs).map((stats) => stateOfJob(stats, this.#jobs.get(keyOf(stats))));
    const state: Shared = { stores: this.#listStores(), jobs: shown, moreJobs: jobs.length - shown.length };
    this.#told = { state, json: JSON.stringify(state) };
    return this.#told;
  }

  /** The stores that there are; forgets those that are no more. */
  #listStores(): StoreState[] {
    const known = new Map<string, KnownStore[]>();
    for (const store of knownStores()) known.set(store.label, [...(known.get(store.label) ?? []), store]);
    for (const name of [...this.#stores.keys()]) if (!known.has(name)) this.#stores.delete(name);
    return [...known].map(([name, stores]) => this.#storeOf(name).state(name, stores));
  }

  #storeOf(name: string): StoreRow {
    const row = this.#stores.get(name) ?? new StoreRow();
    this.#stores.set(name, row);
    return row;
  }

  /** Times what calls have waited for; how jobs run is counted alone. */
  #tellOfJob(event: Events['job']): void {
    const { state, outcome, duration } = event;
    if (outcome === undefined || duration === undefined || state === 'ran') return;
    const key = keyOf(event);
    const pace = this.#jobs.get(key) ?? new Pace();
    this.#jobs.set(key, pace);
    pace.add(duration);
  }
}
