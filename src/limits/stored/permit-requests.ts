import type { Note, PermitAnswer, PermitAsk, Run } from './backend.js';
import type { Link, Reply } from './link.js';
import type { Notes } from './permit-notes.js';
import { countOf, graceOf, marginOf, type RateTerms } from './rate-terms.js';
import type { Reserved } from './reservations.js';

/** How many permits are asked for at once at the most: a server does nothing else while it works that out. */
const mostAtOnce = 1000;

/** What an answer has given. */
export interface Granted {
  readonly reply: Reply<PermitAnswer>;
  /** What was asked, and which answer it is. */
  readonly ask: PermitAsk;
  readonly no: number;
  readonly permits: readonly Reserved[];
}

/** The limit that permits are asked for. */
interface Owner {
  readonly link: Link;
  readonly tag: string;
  readonly terms: RateTerms;
  readonly notes: Notes;
  readonly isWaiting: boolean;
  tellSoon(delay: number): void;
}

/** What a rate limit asks of its store, in one command at a time. Each permit has a number of its own, as a part of its id. */
export class PermitRequests {
  #numbered = 0;
  #asked = 0;
  /** What is asked just now. */
  #asking: PermitAsk | undefined;

  constructor(
    readonly limit: Owner,
    /** Called when an answer has come, or none in time. */
    readonly onEnd: (granted: Granted | undefined) => void,
  ) {}

  get isUnderWay(): boolean {
    return this.#asking !== undefined;
  }

  /** The answer to what is asked next. */
  get nextAnswer(): number {
    return this.#asked + 1;
  }

  newId(weight: number): string {
    return `${this.limit.link.process}:${++this.#numbered}:${weight}`;
  }

  /** Asks for permits, and tells what there is to tell. */
  ask(wanted: readonly Run[]): void {
    const { link, tag, notes, isWaiting } = this.limit;
    const no = ++this.#asked;
    const told = notes.take();
    const ask = this.#message(firstOf(wanted, mostAtOnce), told.notes);
    this.#asking = ask;
    link.ask(
      tag,
      isWaiting,
      () => link.backend.reserve(tag, ask),
      (reply) => {
        this.#asking = undefined;
        if (reply !== undefined) told.done();
        else this.#disown(ask);
        this.onEnd(reply && { reply, ask, no, permits: this.#permitsOf(reply, ask) });
      },
    );
  }

  /** Gives back what is asked for just now, and tells what is left to tell. */
  close(): void {
    const { link, tag, notes } = this.limit;
    if (this.#asking !== undefined) this.#disown(this.#asking);
    if (link.isDown || notes.isEmpty) return;
    const ask = this.#message([], notes.take().notes);
    link.tellLast(() => link.backend.reserve(tag, ask));
  }

  #message(wanted: readonly Run[], notes: readonly Note[]): PermitAsk {
    const { terms, link } = this.limit;
    const { starts, window, horizon, spread } = terms;
    const first = this.#numbered + 1;
    for (const [, count] of wanted) this.#numbered += count;
    const grace = graceOf(terms, link.worstTrip);
    return { starts, window, horizon, grace, spread, process: link.process, first, wanted, notes };
  }

  #permitsOf({ answer, sentAt, receivedAt }: Reply<PermitAnswer>, ask: PermitAsk): Reserved[] {
    const { now: storeNow, permits } = answer;
    const toStoreTime = (time: number): number => storeNow + (time - sentAt);
    this.limit.link.toStoreTime = toStoreTime;
    const weights = weightsOf(ask, permits.length);
    return permits.map((turn, at) => {
      const weight = this.#countOf(weights[at] as number);
      return {
        id: idOf(ask, at, weight),
        weight,
        from: receivedAt + (turn - storeNow),
        until: sentAt + (turn + ask.grace - storeNow) - marginOf(ask.grace),
        toStoreTime,
      };
    });
  }

  /** What is asked for may have been given, though no answer came: nobody uses it, and it goes back. */
  #disown(ask: PermitAsk): void {
    const { notes } = this.limit;
    for (const [at, weight] of weightsOf(ask, ask.starts).entries()) {
      notes.add({ kind: 'release', id: idOf(ask, at, this.#countOf(weight)) });
    }
    // Others may wait for it, though nobody does here.
    if (!notes.isOfStarts) this.limit.tellSoon(0);
  }

  #countOf(weight: number): number {
    return countOf(this.limit.terms, weight).weight;
  }
}

const idOf = ({ process, first }: PermitAsk, at: number, weight: number): string =>
  `${process}:${first + at}:${weight}`;

/** What the calls weigh for which permits are asked, of so many at the most. */
const weightsOf = ({ wanted }: PermitAsk, most: number): number[] =>
  wanted.flatMap(([weight, count]) => new Array<number>(Math.min(count, most)).fill(weight)).slice(0, most);

/** As many as come first. */
function firstOf(runs: readonly Run[], most: number): Run[] {
  let left = most;
  return runs.flatMap(([weight, count]): Run[] => {
    const taken = Math.min(count, left);
    left -= taken;
    return taken === 0 ? [] : [[weight, taken]];
  });
}
