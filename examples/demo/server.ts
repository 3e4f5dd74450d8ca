/** The failing server, in a process of its own. It follows the plan it is sent, and writes down what it sees. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { watchTimers } from './late.js';
import type { Answer, PlannedCall, Step } from './plan.js';
import type { Order, SeenRequest, ServerMessage } from './record.js';

const statuses: Partial<Record<Answer, number>> = { '503': 503, '429': 429, '404': 404 };
const now = (): number => performance.timeOrigin + performance.now();

let plan: readonly PlannedCall[] = [];
const requests: SeenRequest[] = [];
const open: Record<string, number> = {};
const mostAtOnce: Record<string, number> = {};
const gathered: Record<string, number> = {};
let downSince: number | undefined;
let outage = 0;
const late = watchTimers();
const gathering: Record<string, Set<() => void>> = {};

function begin(request: IncomingMessage): SeenRequest {
  const { 'x-lane': lane, 'x-call': call, 'x-attempt': attempt, 'x-started': started } = request.headers;
  const seen: SeenRequest = {
    lane: String(lane),
    call: Number(call),
    attempt: Number(attempt),
    started: Number(started),
    arrived: now(),
    outcome: 'open',
    down: downSince !== undefined,
  };
  requests.push(seen);
  open[seen.lane] = (open[seen.lane] ?? 0) + 1;
  mostAtOnce[seen.lane] = Math.max(mostAtOnce[seen.lane] ?? 0, open[seen.lane] as number);
  return seen;
}

/** Counts the request as over. This comes before the client can know, so what the client still counts, it counts too. */
function end(seen: SeenRequest, outcome: SeenRequest['outcome']): void {
  seen.ended = now();
  seen.outcome = outcome;
  open[seen.lane] = (open[seen.lane] as number) - 1;
}

function answer(seen: SeenRequest, { answer: kind, retryAfter }: Step, response: ServerResponse): void {
  end(seen, kind);
  if (kind === 'reset') {
    response.socket?.resetAndDestroy();
    return;
  }
  if (retryAfter !== undefined) {
    seen.retryAfter = retryAfter * 1000;
    response.setHeader('retry-after', retryAfter);
  }
  response.writeHead(statuses[kind] ?? 200);
  response.end(`sun at station ${seen.call}`);
}

/** What the server does with every request while it is down; and with one that was not foreseen. */
const whileDown: Step = { answer: '503', after: 5 };
const unforeseen: Step = { answer: 'ok', after: 0 };

function stepFor({ down, call, attempt }: SeenRequest): Step {
  if (down) return whileDown;
  const steps = plan[call]?.steps ?? [];
  return steps[Math.min(attempt, steps.length) - 1] ?? unforeseen;
}

/** Answers those that wait here once as many are there as the plan has of them. */
function gather(lane: string, reply: () => void): () => void {
  gathering[lane] ??= new Set();
  const replies = gathering[lane];
  replies.add(reply);
  gathered[lane] = Math.max(gathered[lane] ?? 0, replies.size);
  const wanted = plan.filter((call) => call.lane === lane && call.steps[0]?.answer === 'gather').length;
  if (replies.size >= wanted) for (const each of replies) each();
  return () => replies.delete(reply);
}

const server = createServer((request, response) => {
  if (request.headers['x-call'] === undefined) {
    response.end(); // of the warm-up
    return;
  }
  const seen = begin(request);
  const step = stepFor(seen);
  let timer: NodeJS.Timeout | undefined;
  let leave: (() => void) | undefined;
  if (step.answer === 'gather')
    leave = gather(seen.lane, () => seen.outcome === 'open' && answer(seen, step, response));
  else if (step.answer !== 'stall') timer = setTimeout(() => answer(seen, step, response), step.after);

  // The client has closed its side. The server's own side is closed after this, and only then does the client go on.
  request.socket.once('end', () => {
    clearTimeout(timer);
    leave?.();
    if (seen.outcome === 'open') end(seen, 'hung up');
  });
  request.socket.on('error', () => {});
});

const tell = (message: ServerMessage): unknown => process.send?.(message);

process.on('message', (order: Order) => {
  if (order === 'report') {
    const left = requests.filter(({ outcome }) => outcome === 'open').length;
    tell({ record: { requests, mostAtOnce, gathered, open: left, outage, late: late() } });
  } else if (order === 'down') {
    downSince = now();
    tell('done');
  } else if (order === 'up') {
    outage += now() - (downSince ?? now());
    downSince = undefined;
    tell('done');
  } else {
    plan = order.plan;
    server.listen(0, '127.0.0.1', () => tell({ port: (server.address() as AddressInfo).port }));
  }
});
process.on('disconnect', () => process.exit());
// Ctrl-C reaches the whole group; the parent says when to stop.
process.on('SIGINT', () => {});
