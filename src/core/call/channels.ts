import { type Channel, channel, type TracingChannel, tracingChannel } from 'node:diagnostics_channel';
import type { EventKind } from '../events.js';

/** The kinds whose events have a duration: their channels tell of the beginning, too. */
type TracedKind = 'call' | 'attempt';

/** The kinds whose events are told of once. */
export type ToldKind = Exclude<EventKind, TracedKind>;

/** Where events of each kind are published. A raw channel and a subscription by `on()` are one and the same. */
export const channels: { readonly [Kind in ToldKind]: Channel } = {
  wait: channel('opero:wait'),
  retry: channel('opero:retry'),
  fallback: channel('opero:fallback'),
  reject: channel('opero:reject'),
  circuit: channel('opero:circuit'),
  hedge: channel('opero:hedge'),
  cache: channel('opero:cache'),
  limit: channel('opero:limit'),
  store: channel('opero:store'),
  lease: channel('opero:lease'),
  job: channel('opero:job'),
};

/** The same for what has a beginning and an end. */
export const traced: { readonly [Kind in TracedKind]: TracingChannel } = {
  call: tracingChannel('opero:call'),
  attempt: tracingChannel('opero:attempt'),
};

/**
 * Makes the check of whether somebody listens to the beginning or the end of something. The channels are constants of a
 * function, and so V8 knows what they are when it compiles the check; those of a module are variables in a bundle.
 */
function heardIn({ start, end, asyncStart, asyncEnd, error }: TracingChannel): () => boolean {
  return () =>
    start.hasSubscribers ||
    asyncEnd.hasSubscribers ||
    error.hasSubscribers ||
    asyncStart.hasSubscribers ||
    end.hasSubscribers;
}

/** Whether somebody listens to attempts. */
export const areAttemptsHeard: () => boolean = heardIn(traced.attempt);

/** Whether somebody listens to calls. */
export const areCallsHeard: () => boolean = heardIn(traced.call);
