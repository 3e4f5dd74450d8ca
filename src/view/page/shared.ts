import type { JobState, Shared, StoreState } from '../protocol.js';
import { ago, count, keyOf, nameOf, rate, time } from '../words.js';
import { byId, setText } from './dom.js';
import { type Column, SmallTable } from './small-table.js';

/** A number that is none where it is 0, and that is looked at where it is more. */
const alarming = (value: number, look: 'bad' | 'warn') => ({ text: count(value), look: value > 0 ? look : undefined });

const storeColumns: readonly Column<StoreState>[] = [
  { label: 'Store', cell: ({ name, limits }) => ({ text: name, under: limits.join(' · ') }) },
  {
    label: 'State',
    title: 'Whether it answers; calls go on as its whenDown says',
    cell: ({ downAt, reason }, now) =>
      downAt === undefined
        ? { text: 'up', pill: 'closed' }
        : { text: `down ${ago(now - downAt)}`, pill: 'open', under: reason },
  },
  { label: 'Trips/s', title: 'Answers, mean of ten seconds', cell: (store) => ({ text: rate(store.rate) }) },
  { label: 'p50', title: 'Half of the answers took no longer', cell: ({ p50 }) => ({ text: time(p50) }) },
  { label: 'p99', title: '99 of 100 answers took no longer', cell: ({ p99 }) => ({ text: time(p99) }) },
  { label: 'Outages', title: 'Since the program began', cell: ({ outages }) => alarming(outages, 'warn') },
  {
    label: 'Leases lost',
    title: 'Since the program began: slots whose lease could not be renewed in time',
    cell: ({ lostLeases }) => alarming(lostLeases, 'bad'),
  },
];

const jobColumns: readonly Column<JobState>[] = [
  {
    label: 'Jobs',
    cell: (job) => ({ text: `${job.static ? 'static ' : ''}${nameOf(job)}`, under: `queue ${job.queue}` }),
  },
  { label: 'Sent', title: 'Put into the queue from here since the program began', cell: ({ sent }) => number(sent) },
  { label: 'Waiting', title: 'Calls that wait for their jobs', cell: ({ waiting }) => number(waiting) },
  { label: 'Ended/s', title: 'Calls whose jobs ended, mean of ten seconds', cell: (job) => ({ text: rate(job.rate) }) },
  { label: 'p50', title: 'From the sending to the end, of half of them', cell: ({ p50 }) => ({ text: time(p50) }) },
  { label: 'p99', title: 'The same, of 99 of 100', cell: ({ p99 }) => ({ text: time(p99) }) },
  {
    label: 'Failed',
    title: 'Calls whose jobs failed since the program began',
    cell: ({ failed }) => alarming(failed, 'warn'),
  },
  {
    label: 'Lost',
    title: 'Calls whose jobs the queue knew nothing of any more',
    cell: ({ lost }) => alarming(lost, 'bad'),
  },
  { label: 'Run here', title: 'Jobs that workers of this program run now', cell: ({ running }) => number(running) },
  { label: 'Ran here', title: 'Jobs that they have run since the program began', cell: ({ ran }) => number(ran) },
  { label: 'Failed here', title: 'Those of them that failed', cell: ({ ranFailed }) => alarming(ranFailed, 'warn') },
];

const number = (value: number) => ({ text: count(value) });

const plural = (number: number, word: string): string => `${count(number)} ${word}${number === 1 ? '' : 's'}`;

/** What processes share, where there is any of it: stores of limits, and jobs. */
export class SharedView {
  readonly #part = byId('shared', HTMLDetailsElement);
  readonly #words = byId('shared-words', HTMLElement);
  readonly #downWords = byId('shared-down', HTMLElement);
  readonly #stores = new SmallTable('Stores', storeColumns, ({ name }) => name);
  readonly #jobs = new SmallTable('Jobs', jobColumns, (job) => JSON.stringify([job.queue, keyOf(job)]));
  #down = 0;

  constructor(readonly say: (words: string) => void) {
    byId('shared-body', HTMLElement).append(this.#stores.table, this.#jobs.table);
    // On a telephone it would leave no room for the methods.
    this.#part.open = matchMedia('(min-width: 800px)').matches;
  }

  show({ stores, jobs, moreJobs }: Shared, now: number): void {
    this.#part.hidden = stores.length === 0 && jobs.length === 0;
    this.#stores.show(stores, now);
    this.#jobs.show(jobs, now);
    const down = stores.filter(({ downAt }) => downAt !== undefined).length;
    const waiting = jobs.reduce((sum, job) => sum + job.waiting, 0);
    const running = jobs.reduce((sum, job) => sum + job.running, 0);
    const words = [
      ...(stores.length > 0 && down === 0 ? [`${plural(stores.length, 'store')} up`] : []),
      ...(jobs.length > 0 ? [`${plural(waiting, 'job')} waited for`, `${count(running)} running here`] : []),
      ...(moreJobs > 0 ? [`${plural(moreJobs, 'further method')} not shown`] : []),
    ];
    setText(this.#words, words.join(' · '));
    setText(this.#downWords, down > 0 ? `${down} of ${plural(stores.length, 'store')} down` : '');
    if (down > this.#down) this.say(`${plural(down, 'store')} down.`);
    this.#down = down;
  }
}
