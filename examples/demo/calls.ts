/** Makes the planned calls, cancels those that shall be cancelled, and writes down how each call ended. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Act, Phase, PlannedCall } from './plan.js';
import { events } from './request.js';
import type { Report } from './service.js';

export type Outcome = 'succeeded' | 'fallback' | 'cancelled' | 'failed';

export interface CallRecord {
  readonly id: number;
  readonly lane: string;
  readonly act: Act;
  readonly outcome: Outcome;
  /** When its caller knew, by the client's clock. */
  readonly ended: number;
  /** How long its caller waited, in milliseconds. */
  readonly took: number;
  /** For a call that was cancelled while it was under way. */
  readonly cancelled?: {
    readonly phase: Phase;
    /** By the client's clock. */
    readonly at: number;
    /** How long after that its caller knew, in milliseconds. */
    readonly delay: number;
    /** Whether it rejected with the reason given to `abort()`, the same object. */
    readonly ownReason: boolean;
  };
}

/** What a station may be asked for, under a signal. */
export type Ask = (station: number, signal: AbortSignal) => Promise<Report>;

/** Makes all calls of an act, and gives what became of them when all have ended. */
export const makeCalls = (
  calls: readonly PlannedCall[],
  lanes: Readonly<Record<string, Ask>>,
  onEnd: (record: CallRecord) => void,
): Promise<CallRecord[]> =>
  Promise.all(
    calls.map(async (call) => {
      if (call.at > 0) await sleep(call.at);
      const record = await makeCall(call, lanes[call.lane] as Ask);
      onEnd(record);
      return record;
    }),
  );

/** The calls under way, told when they come to another phase. */
const underWay = new Map<number, (phase: Phase) => void>();
events.on('attempt', (id) => underWay.get(id)?.('running'));
events.on('retry', (id) => underWay.get(id)?.('waiting'));

async function makeCall({ id, lane, act, cancel }: PlannedCall, ask: Ask): Promise<CallRecord> {
  const controller = new AbortController();
  let phase: Phase = 'queued';
  let cancelled: { readonly phase: Phase; readonly at: number } | undefined;
  const enter = (entered: Phase): void => {
    phase = entered;
    if (cancel?.phase === entered) setTimeout(abort, cancel.after);
  };
  const abort = (): void => {
    if (!underWay.has(id) || cancelled !== undefined) return;
    cancelled = { phase, at: performance.now() };
    controller.abort(new Error(`call ${id} is not wanted any more`));
  };
  underWay.set(id, enter);
  let outcome: Outcome;
  let ownReason = false;
  const began = performance.now();
  const pending = ask(id, controller.signal);
  if (phase === 'queued') enter(phase);
  try {
    const { from } = await pending;
    outcome = from === 'server' ? 'succeeded' : 'fallback';
  } catch (error) {
    ownReason = cancelled !== undefined && error === controller.signal.reason;
    outcome = cancelled === undefined ? 'failed' : 'cancelled';
  }
  underWay.delete(id);
  const ended = performance.now();
  const record = { id, lane, act, outcome, ended, took: ended - began };
  if (cancelled === undefined) return record;
  return { ...record, cancelled: { ...cancelled, delay: ended - cancelled.at, ownReason } };
}
