import type { Site } from '../core/decoration/site.js';
import { on } from '../telemetry/events.js';
import type { MethodEntry } from '../telemetry/method-entry.js';
import { entryOf, governedSites } from '../telemetry/methods.js';
import type { Hands } from './hands.js';
import { merged } from './merge.js';
import type { Changes, MethodState, MethodWithMinute, Shared, TenMinutes } from './protocol.js';
import type { Row } from './row.js';
import { Rows } from './rows.js';
import { SharedBoard } from './shared-board.js';

/** A method that is gone is forgotten after so many seconds. */
const forgottenAfter = 60;

/** What is told of a method: as an object, and as the JSON that is compared and sent. */
interface Told {
  readonly state: MethodState;
  readonly json: string;
}

/** A method that there is: what `methods()` tells of it, and where it stands; of several of one name, of all of them. */
interface Listed {
  readonly entry: MethodEntry;
  readonly sites: readonly Site[];
}

/** What has happened to every method since it was made: fed by events, read once a second. */
export class Board {
  readonly #rows = new Rows();
  readonly #shared = new SharedBoard();
  /** What was told last, by id. */
  #told = new Map<number, Told>();
  readonly #stop: readonly (() => void)[];

  constructor(readonly hands: Hands) {
    const rows = this.#rows;
    this.#stop = [
      on('call', (event) => rows.ofEvent(event).ended(event)),
      on('retry', (event) => rows.ofEvent(event).retried(event.error)),
      on('reject', (event) => rows.ofEvent(event).rejected(event.policy, event.reason)),
      on('fallback', (event) => rows.ofEvent(event).failed(event.error)),
    ];
    this.#list();
  }

  stop(): void {
    this.#shared.stop();
    for (const each of this.#stop) each();
  }

  /** So many seconds are over. */
  advance(seconds: number): void {
    for (const row of this.#rows) row.advance(seconds);
    this.#shared.advance(seconds);
  }

  /** The sites of a method; none where there is no such method. */
  sitesOf(id: number): readonly Site[] {
    const row = this.#rows.byId(id);
    return (row && this.#list().get(row)?.sites) ?? [];
  }

  tenMinutes(id: number): TenMinutes | undefined {
    return this.#rows.byId(id)?.tenMinutes;
  }

  /** What is different from what was told before, as JSON; undefined: nothing. */
  changes(seconds: number): string {
    const before = this.#told;
    this.#told = this.#tellAll();
    const changed: string[] = [];
    for (const [id, { json }] of this.#told) if (before.get(id)?.json !== json) changed.push(json);
    const gone = [...before.keys()].filter((id) => !this.#told.has(id));
    const shared = this.#shared.change();
    const rest: Omit<Changes, 'methods'> = { at: Date.now(), seconds, gone, ...(shared !== undefined && { shared }) };
    return `${JSON.stringify(rest).slice(0, -1)},"methods":[${changed.join()}]}`;
  }

  /** Stores and jobs: what was told last, or what there is if nothing was. */
  shared(isFresh: boolean): Shared {
    return this.#shared.all(isFresh);
  }

  /** The same of methods. */
  everyMethod(isFresh: boolean): readonly MethodWithMinute[] {
    if (isFresh || this.#told.size === 0) this.#told = this.#tellAll();
    return [...this.#told.values()].map(({ state }) => ({
      ...state,
      minute: this.#rows.byId(state.id)?.minute ?? [],
    }));
  }

  #tellAll(): Map<number, Told> {
    const told = new Map<number, Told>();
    for (const [row, { entry, sites }] of this.#list()) {
      const state = row.state(entry, this.hands.of(row.id, sites));
      told.set(row.id, { state, json: JSON.stringify(state) });
    }
    return told;
  }

  /** The methods that there are now, with their rows; forgets rows of methods that there are no more. */
  #list(): Map<Row, Listed> {
    const listed = new Map<Row, Listed>();
    for (const site of governedSites()) {
      const entry = entryOf(site);
      const row = this.#rows.of(entry);
      const same = listed.get(row);
      if (same === undefined) listed.set(row, { entry, sites: [site] });
      else listed.set(row, { entry: merged(same.entry, entry), sites: [...same.sites, site] });
    }
    for (const row of [...this.#rows]) {
      if (!listed.has(row) && row.silence >= forgottenAfter) this.#rows.delete(row);
    }
    return listed;
  }
}
