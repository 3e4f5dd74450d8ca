/** Plays the acts of a plan, one after the other. */
import type { ChildProcess } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Ask, type CallRecord, makeCalls } from './calls.js';
import type { Act, PlannedCall } from './plan.js';
import type { Order, ServerMessage } from './record.js';

/** What the server does in each act. */
export const serverIn: Readonly<Record<Act, string>> = {
  storm: 'fails on purpose',
  outage: 'is down',
  recovery: 'is back',
  'full house': 'is well',
};

/** Gives the server an order, and waits for its answer. */
export const tell = (server: ChildProcess, message: Order): Promise<ServerMessage> =>
  new Promise((resolve, reject) => {
    server.once('message', (answer) => resolve(answer as ServerMessage));
    server.once('exit', (code) => reject(new Error(`the server ended too soon, with status ${code}`)));
    server.send(message);
  });

/** How long it takes until every permit of a rate limit is back, in milliseconds. */
const afterRecovery = 1100;

export interface Stage {
  /** How long after the outage the next calls come, in milliseconds. */
  readonly afterOutage: number;
  readonly tell: (order: Order) => Promise<unknown>;
  readonly onAct: (act: Act) => void;
  readonly onEnd: (record: CallRecord) => void;
}

/** Makes all calls, and gives what became of them. */
export async function play(
  plan: readonly PlannedCall[],
  lanes: Readonly<Record<string, Ask>>,
  { afterOutage, tell, onAct, onEnd }: Stage,
): Promise<CallRecord[]> {
  const perform = (act: Act): Promise<CallRecord[]> => {
    onAct(act);
    return makeCalls(
      plan.filter((call) => call.act === act),
      lanes,
      onEnd,
    );
  };
  const storm = await perform('storm');
  await tell('down');
  const outage = await perform('outage');
  await tell('up');
  await sleep(afterOutage);
  const recovery = await perform('recovery');
  await sleep(afterRecovery);
  return [...storm, ...outage, ...recovery, ...(await perform('full house'))];
}
