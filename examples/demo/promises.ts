/** One line for each promise: what was promised, and what was seen. Deadlines and the outage are beside this. */
import type { Stats } from 'opero';
import { type ClientRecord, countBy, type Lane, type Line, line, mostWithin, optionOf } from './lines.js';
import type { ServerRecord } from './record.js';

export function limits(lane: Lane, server: ServerRecord): Line[] {
  const requests = server.requests.filter((request) => request.lane === lane.name);
  const limit = optionOf(lane, 'concurrency', 'limit');
  const rate = optionOf(lane, 'rateLimit', 'rate');
  const per = optionOf(lane, 'rateLimit', 'per');
  const atOnce = server.mostAtOnce[lane.name] ?? 0;
  const starts = mostWithin(
    requests.map(({ started }) => started),
    per,
  );
  const arrivals = requests.map(({ arrived }) => arrived);
  // A request travels for a while, and not always equally long: so much closer may two of them arrive than they began.
  const travels = requests.map(({ arrived, started }) => arrived - started);
  const jitter = Math.max(0, Math.max(...travels) - Math.min(...travels));
  const closest = (per - jitter).toFixed(0);
  const surely = mostWithin(arrivals, per - jitter);
  return [
    line(`${lane.name}: concurrent requests`, `at most ${limit}`, atOnce, atOnce <= limit),
    line(
      `${lane.name}: requests in any ${per === 1000 ? 'second' : `${per} ms`}`,
      `at most ${rate}`,
      starts,
      starts <= rate && surely <= rate,
      surely <= rate
        ? ''
        : `${surely} arrived within ${closest} ms; travel times differ by ${jitter.toFixed(1)} ms only`,
    ),
  ];
}

export function accounts({ calls, planned, lanes }: ClientRecord, { requests }: ServerRecord): Line[] {
  const { succeeded = 0, fallback = 0, cancelled = 0, failed = 0 } = countBy(calls, (call) => call.outcome);
  const accounted = succeeded + fallback + cancelled + failed;
  const counted = (name: Exclude<keyof Stats, 'custom'>): number =>
    lanes.reduce((sum, { stats }) => sum + stats[name], 0);
  const statsAgree =
    counted('calls') === planned && counted('fallbacks') === fallback && counted('failures') === cancelled + failed;
  const attemptsAgree = lanes.every(
    ({ name, stats }) => stats.attempts === requests.filter((request) => request.lane === name).length,
  );
  const good = new Set(requests.filter(({ outcome }) => goodAnswers.has(outcome)).map(({ call }) => call));
  const answered = calls.filter(({ id, outcome }) => outcome === 'succeeded' && good.has(id)).length;
  return [
    line('calls that ended', planned, accounted, accounted === planned),
    line(
      'calls, fallbacks, failures in statsOf()',
      `${planned}, ${fallback}, ${cancelled + failed}`,
      `${counted('calls')}, ${counted('fallbacks')}, ${counted('failures')}`,
      statsAgree,
      `failures: ${cancelled} cancelled + ${failed} failed`,
    ),
    line('requests, as many as attempts in statsOf()', counted('attempts'), requests.length, attemptsAgree),
    line('successful calls that the server answered', succeeded, answered, answered === succeeded),
  ];
}

const goodAnswers: ReadonlySet<string> = new Set(['ok', 'slow', 'gather']);

/** How many attempts each call had, and how long the server heard nothing between them. */
export function retrying({ lanes }: ClientRecord, { requests }: ServerRecord): Line[] {
  const policy = lanes[0] as Lane;
  const allowed = optionOf(policy, 'retry', 'maxAttempts');
  const attempts = Math.max(0, ...Object.values(countBy(requests, ({ call }) => String(call))));
  const waits = Array.from(
    { length: allowed - 1 },
    (_, index) => optionOf(policy, 'retry', 'waitMin') * optionOf(policy, 'retry', 'waitMultiplier') ** index,
  );
  // Of a request that was given up the server sees the end later than the client, which waits meanwhile.
  const seenByBoth = requests.filter(({ outcome }) => outcome !== 'hung up');
  const ends = new Map(seenByBoth.map(({ call, attempt, ended }) => [`${call}/${attempt}`, ended]));
  const shortest = waits.map((_, index) => {
    const pauses = requests.flatMap(({ call, attempt, arrived }) => {
      const ended = attempt === index + 2 ? ends.get(`${call}/${index + 1}`) : undefined;
      return ended === undefined ? [] : [arrived - ended];
    });
    return Math.min(...pauses);
  });
  return [
    line('attempts for one call', `at most ${allowed}`, attempts, attempts <= allowed),
    line(
      `shortest pause before attempt ${waits.map((_, index) => index + 2).join('/')}`,
      `${waits.join('/')} ms`,
      `${shortest.map((wait) => (wait === Number.POSITIVE_INFINITY ? 'none' : Math.floor(wait))).join('/')} ms`,
      shortest.every((wait, index) => wait >= (waits[index] as number)),
    ),
  ];
}

export function cancelling({ calls, hungUp }: ClientRecord, { requests }: ServerRecord): Line[] {
  const cancelled = calls.filter((call) => call.cancelled !== undefined);
  const own = cancelled.filter((call) => call.cancelled?.ownReason === true).length;
  const { queued = 0, waiting = 0, running = 0 } = countBy(cancelled, (call) => call.cancelled?.phase);
  const slowest = Math.max(0, ...cancelled.map((call) => call.cancelled?.delay ?? 0));
  const leftBy = hungUp.timeout + hungUp.cancel;
  const left = requests.filter(({ outcome }) => outcome === 'hung up').length;
  return [
    line(
      'cancelled calls rejected with their reason',
      cancelled.length,
      own,
      own === cancelled.length,
      `${queued} in a queue, ${waiting} before a retry, ${running} running; callers knew within ${slowest.toFixed(1)} ms`,
    ),
    line(
      'unanswered requests closed by the client',
      leftBy,
      left,
      left === leftBy,
      `${hungUp.timeout} timed out + ${hungUp.cancel} cancelled`,
    ),
  ];
}

export function ending({ lanes }: ClientRecord, server: ServerRecord): Line[] {
  const slots = lanes.map((lane) => optionOf(lane, 'concurrency', 'limit'));
  const taken = lanes.map(({ name }) => server.gathered[name] ?? 0);
  const left = lanes.reduce((sum, { stats }) => sum + stats.running + stats.queued, 0) + server.open;
  return [
    line(
      'slots free at the end, method by method',
      slots.join(', '),
      taken.join(', '),
      slots.every((count, index) => count === taken[index]),
      'so many calls, made at the end, were at the server together',
    ),
    line('calls or requests left open at the end', 0, left, left === 0),
  ];
}
