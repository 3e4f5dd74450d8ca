/** The promises about a server that stalls, asks for time, or is down. */
import { type ClientRecord, type Lane, type Line, line, optionOf } from './lines.js';
import type { SeenRequest, ServerRecord } from './record.js';

/** No request and no call takes longer than it may; what is over makes no more requests. */
export function deadlines({ calls, lanes, late }: ClientRecord, server: ServerRecord): Line[] {
  const lane = lanes[0] as Lane;
  const [attempt, total] = [optionOf(lane, 'timeout', 'attempt'), optionOf(lane, 'timeout', 'total')];
  // A timer may be late when it is set and when it is due, on either side.
  const tolerance = 2 * (late + server.late);
  const asked = server.requests.map(({ arrived, ended }) => (ended ?? Number.POSITIVE_INFINITY) - arrived);
  const request = Math.max(0, ...asked);
  const call = Math.max(0, ...calls.map(({ took }) => took));
  const overAt = new Map(calls.map(({ id, cancelled, ended }) => [id, cancelled?.at ?? ended]));
  const after = server.requests.filter((each) => each.started > (overAt.get(each.call) ?? Number.POSITIVE_INFINITY));
  const note = `timers came up to ${late.toFixed(1)} ms late here, ${server.late.toFixed(1)} ms late in the server`;
  return [
    line('longest request', `at most ${attempt} ms`, `${Math.floor(request)} ms`, request <= attempt + tolerance, note),
    line('longest call', `at most ${total} ms`, `${Math.floor(call)} ms`, call <= total + tolerance),
    line('requests for calls already over or cancelled', 0, after.length, after.length === 0),
  ];
}

/** Who is asked to come back later does not come before. */
export function retryAfter({ requests }: ServerRecord): Line[] {
  const asking = new Map(
    requests.filter((each) => each.retryAfter !== undefined).map((each) => [`${each.call}/${each.attempt}`, each]),
  );
  const before = ({ call, attempt }: SeenRequest): SeenRequest | undefined => asking.get(`${call}/${attempt - 1}`);
  const back = requests.filter((request) => before(request) !== undefined);
  const early = back.filter((request) => {
    const { ended = Number.POSITIVE_INFINITY, retryAfter = 0 } = before(request) as SeenRequest;
    return request.arrived - ended < retryAfter;
  });
  const note = `${asking.size} answers had one; ${back.length} calls came back after it`;
  return [line('requests before their Retry-After', 0, early.length, early.length === 0, note)];
}

/** How many requests may come to a lane in an outage: what opens its circuit, what is under way then, and the probes. */
function allowanceOf(lane: Lane, outage: number): { failures: number; others: number; probes: number } {
  return {
    failures: optionOf(lane, 'circuitBreaker', 'consecutive'),
    others: optionOf(lane, 'concurrency', 'limit') - 1,
    probes: Math.floor(outage / optionOf(lane, 'circuitBreaker', 'halfOpenAfter')),
  };
}

/** Circuits keep the requests away from a server that is down, and let them through when it is back. */
export function outage({ calls, lanes, circuits }: ClientRecord, server: ServerRecord): Line[] {
  const allowances = lanes.map((lane) => allowanceOf(lane, server.outage));
  const most = allowances.map(({ failures, others, probes }) => failures + others + probes);
  const came = lanes.map(({ name }) => server.requests.filter(({ lane, down }) => down && lane === name).length);
  const probes = circuits.filter(({ to }) => to === 'half-open').length;
  const meanwhile = server.requests.filter(({ lane, started }) => {
    const last = circuits.findLast((note) => note.lane === lane && note.at <= started);
    return last !== undefined && last.to !== 'closed';
  }).length;
  const during = calls.filter(({ act }) => act === 'outage');
  const stoodIn = during.filter(({ outcome }) => outcome === 'fallback').length;
  const closed = lanes.filter(({ circuit }) => circuit === 'closed').length;
  const [first] = allowances;
  return [
    line(
      `requests in an outage of ${(server.outage / 1000).toFixed(1)} s, at most`,
      most.join(', '),
      came.join(', '),
      came.every((count, index) => count <= (most[index] as number)),
      `${first?.failures} failures open a circuit, with ${first?.others} more under way; ${first?.probes} probes follow`,
    ),
    line('requests while a circuit was not closed', `${probes} probes`, meanwhile, meanwhile <= probes),
    line('calls in the outage that got the fallback', during.length, stoodIn, stoodIn === during.length),
    line('circuits closed at the end', lanes.length, closed, closed === lanes.length),
  ];
}
