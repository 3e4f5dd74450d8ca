/** What must compile of events, and what the compiler knows of them. Compiled with the tests; nothing runs. */
import {
  type CallOutcome,
  captureArguments,
  drain,
  type EventKind,
  type Latency,
  logTo,
  type MethodEntry,
  methods,
  type OperoEvent,
  on,
  type PolicyKind,
  recordLatency,
  type Undo,
} from 'opero';

/** Compiles when the two types are the same. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
const same = <A, B>(_is: Same<A, B>): void => {};

export const retries: Undo = on('retry', (event) => {
  same<typeof event, OperoEvent<'retry'>>(true);
  same<typeof event.delay, number>(true);
  same<typeof event.callId, number>(true);
});

on('call', ({ outcome, duration, args }) => {
  same<typeof outcome, CallOutcome | undefined>(true);
  same<typeof duration, number | undefined>(true);
  same<typeof args, readonly unknown[] | undefined>(true);
});

on('*', (event) => {
  same<typeof event, OperoEvent>(true);
  if (event.type === 'circuit') same<typeof event.to, 'closed' | 'open' | 'half-open' | 'isolated'>(true);
  if (event.type === 'wait') same<typeof event.policy, PolicyKind>(true);
});

// A kind that is only known when the program runs.
export const hear = (kind: EventKind): Undo => on(kind, ({ type }) => console.log(type));

// Listeners may be async.
on('reject', async ({ reason }) => console.log(reason));

export async function all(): Promise<void> {
  using _ = captureArguments(true);
  using __ = recordLatency(true);
  same<Awaited<ReturnType<typeof drain>>, number>(true);
  const entries = methods();
  same<typeof entries, MethodEntry[]>(true);
  same<NonNullable<MethodEntry['latency']>['calls'], Latency>(true);
  await drain({ timeout: 10 });
}

logTo(console);
logTo(console, { level: 'info' });
logTo({ loud: (line, text) => console.log(line.event, text) }, { level: 'loud' });
