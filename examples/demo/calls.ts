/** Makes the planned calls, cancels those that shall be cancelled, and writes down how each call ended. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Phase, PlannedCall } from './plan.js';
import { events } from './request.js';
import type { Report } from './service.js';

export type Outcome = 'succeeded' | 'fallback' | 'cancelled' | 'failed';

export interface CallRecord {
  readonly id: number;
  readonly lane: string;
  readonly outcome: Outcome;
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

/** How long each wave of calls comes after the one before. */
const betweenWaves = 1500;

/** Makes all calls. Those of the last wave come when all others have ended and every permit is back. */
export async function makeCalls(
  plan: readonly PlannedCall[],
  lanes: Readonly<Record<string, Ask>>,
  onEnd: (record: CallRecord) => void,
): Promise<CallRecord[]> {
  const last = plan.at(-1)?.wave ?? 0;
  const make = (wave: number): Promise<CallRecord[]> => {
    const calls = plan.filter((call) => call.wave === wave);
    return Promise.all(
      calls.map(async (call) => {
        const record = await makeCall(call, lanes[call.lane] as Ask);
        onEnd(record);
        return record;
      }),
    );
  };
  const waves = Array.from({ length: last }, async (_, wave) => {
    await sleep(wave * betweenWaves);
    return make(wave);
  });
  const records = (await Promise.all(waves)).flat();
  await sleep(1100);
  return [...records, ...(await make(last))];
}

/** The calls under way, told when they come to another phase. */
const underWay = new Map<number, (phase: Phase) => void>();
events.on('attempt', (id) => underWay.get(id)?.('running'));
events.on('retry', (id) => underWay.get(id)?.('waiting'));

async function makeCall({ id, lane, cancel }: PlannedCall, ask: Ask): Promise<CallRecord> {
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
  if (cancelled === undefined) return { id, lane, outcome };
  return { id, lane, outcome, cancelled: { ...cancelled, delay: performance.now() - cancelled.at, ownReason } };
}
