/** One line for each promise about limits that processes share: what was promised, and what was seen. */
import { countBy, type Line, line, mostWithin } from '../lines.js';
import type { ProcessReport, SeenRequest } from './record.js';
import type { Span, Story } from './story.js';

const sum = (numbers: readonly number[]): number => numbers.reduce((total, each) => total + each, 0);
const most = (numbers: readonly number[]): number => Math.max(0, ...numbers);

const callsOf = ({ requests }: Story): SeenRequest[] => requests.filter(({ of }) => of === 'api');
const told = ({ reports }: Story): ProcessReport[] => reports.filter((each) => each !== undefined);
export const within = ({ from, to }: Span, requests: readonly SeenRequest[]): SeenRequest[] =>
  requests.filter(({ started }) => started >= from && started < to);

/** Both limits, over all processes, whatever happened to them and to Redis. */
export function limits(story: Story): Line[] {
  const { rate, per, limit } = story.limits;
  const calls = callsOf(story);
  const over = calls.filter(({ outcome }) => outcome === '429').length;
  const starts = mostWithin(
    calls.map(({ started }) => started),
    per,
  );
  const arrivals = mostWithin(
    calls.map(({ arrived }) => arrived),
    per,
  );
  return [
    line('requests over the quota (429)', 0, over, over === 0),
    line(
      `requests in any ${per === 1000 ? 'second' : `${per} ms`}, all processes`,
      `at most ${rate}`,
      starts,
      starts <= rate,
      `by when they began; up to ${arrivals} arrived in one, as not all travel equally long`,
    ),
    line('requests at once, all processes', `at most ${limit}`, story.mostAtOnce, story.mostAtOnce <= limit),
  ];
}

/** What the processes that were not killed say of their calls, and what the server says of them. */
export function accounts(story: Story): Line[] {
  const reports = told(story);
  const calls = callsOf(story).filter(({ process }) => process !== story.killed.process);
  const made = sum(reports.map((each) => each.made));
  const failed = reports.flatMap((each) => each.failed);
  const succeeded = sum(reports.map((each) => each.succeeded.length));
  const fallback = sum(reports.map((each) => each.fallback));
  const good = new Set(
    calls.filter(({ outcome }) => outcome === 'ok').map(({ process, call }) => `${process}/${call}`),
  );
  const survivors = numbersOf(story).filter((each) => each !== story.killed.process);
  const answered = sum(
    story.reports.map(
      (report, at) => report?.succeeded.filter((call) => good.has(`${survivors[at]}/${call}`)).length ?? 0,
    ),
  );
  const attempts = sum(reports.map((each) => each.attempts));
  const all = story.processes - 1;
  return [
    line('processes that told of their calls', all, reports.length, reports.length === all),
    line(
      'calls with an answer, or their fallback',
      made,
      succeeded + fallback,
      succeeded + fallback === made,
      failed.length > 0 ? `${failed.length} failed, the first with ${failed[0]}` : `${fallback} got their fallback`,
    ),
    line('successful calls that the server answered', succeeded, answered, answered === succeeded),
    line('requests, as many as attempts in statsOf()', attempts, calls.length, attempts === calls.length),
  ];
}

const numbersOf = ({ processes }: Story): number[] => Array.from({ length: processes }, (_, at) => at + 1);

/** A process is gone: what it had comes back. */
export function killing(story: Story): Line[] {
  const { lease, killed, requests, asked, came, limits } = story;
  const { at, backAt = Number.POSITIVE_INFINITY, slowness } = killed;
  const travels = within({ from: at, to: backAt }, callsOf(story)).map(({ arrived, started }) => arrived - started);
  // Who finds the lease over asks for the slot and for a permit, perhaps after an answer under way, and sends its request.
  const more = Math.ceil(4 * slowness.trip + 2 * (slowness.late + killed.late) + most(travels));
  const again = killed.months.filter((month) =>
    requests.some((each) => each.call === month && each.process !== killed.process && isReport(each)),
  ).length;
  const distinct = new Set(came.filter((month) => month < asked)).size;
  const taken = killed.months.length;
  return [
    line(
      `all ${limits.limit} slots in use again after the kill`,
      `${lease} + ${more} ms`,
      killed.backAt === undefined ? 'never' : `${Math.ceil(backAt - at)} ms`,
      backAt - at <= lease + more,
      `it had ${killed.slots}; the lease, and what it took to ask for them and to send a request`,
    ),
    line('reports, as jobs, that came', asked, distinct, distinct === asked),
    line('reports of the killed process, run again', taken, again, taken > 0 && again === taken),
  ];
}

const isReport = ({ of, outcome }: SeenRequest): boolean => of === 'archive' && outcome === 'ok';

/** Redis is gone, and comes back. */
export function restarting(story: Story): Line[] {
  const { killed, outage, processes, limits } = story;
  // Later than any permit that was given before.
  const later = callsOf(story).filter(({ started }) => started > outage.to + limits.per);
  const went = new Set(later.map(({ process }) => process).filter((each) => each !== killed.process)).size;
  const noticed = told(story).filter(({ down }) => down > 0).length;
  const lost = sum(told(story).map((each) => each.lost));
  const note = `${noticed} had noticed; calls that lost their slots, and were tried again: ${lost}`;
  const came = new Set(story.came.filter((month) => month >= story.asked)).size;
  return [
    line('processes that went on after the restart', processes - 1, went, went === processes - 1, note),
    line('reports in Redis as it was killed, that came', story.askedThen, came, came === story.askedThen),
  ];
}

/** Nobody gets all, and nobody asks too often. */
export function sharing(story: Story): Line[] {
  const rush = within(story.rush, callsOf(story));
  const counts = countBy(rush, ({ process }) => String(process));
  const parts = numbersOf(story).map((each) => counts[String(each)] ?? 0);
  const shares = parts.map((part) => ((100 * part) / Math.max(1, rush.length)).toFixed(0));
  const took = parts.filter((part) => part > 0).length;
  const starts = sum(told(story).map(({ attempts }) => attempts));
  const [permits, slots] = (['permits', 'slots'] as const).map(
    (kind) => sum(told(story).map(({ trips }) => trips[kind])) / Math.max(1, starts),
  ) as [number, number];
  return [
    line(
      'processes that had a part of the rush',
      story.processes,
      took,
      took === story.processes,
      `${shares.join(', ')} % of its requests`,
    ),
    line(
      'round trips to Redis for a start',
      'at most 3',
      (permits + slots).toFixed(2),
      starts > 0 && permits + slots <= 3,
      `${permits.toFixed(2)} for its permit, ${slots.toFixed(2)} for its slot`,
    ),
  ];
}

export function ending({ requests }: Story): Line[] {
  const open = requests.filter(({ outcome }) => outcome === 'open').length;
  return [line('requests left open at the end', 0, open, open === 0)];
}
