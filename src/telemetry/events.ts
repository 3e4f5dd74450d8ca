import type { Channel } from 'node:diagnostics_channel';
import { channels, traced } from '../core/call/channels.js';
import { catchRejection } from '../core/call/thenable.js';
import { ConfigurationError } from '../core/errors.js';
import type { EventKind, OperoEvent } from '../core/events.js';
import { show } from '../core/options.js';
import { once, type Undo } from '../core/undo.js';

export type { CallOutcome, EventKind, Events, OperoEvent } from '../core/events.js';

/** Where the events of each kind come by that `on` tells of: those that have a beginning, at their end. */
const sources: { readonly [Kind in EventKind]: Pick<Channel, 'subscribe' | 'unsubscribe'> } = {
  ...channels,
  call: traced.call.asyncEnd,
  attempt: traced.attempt.asyncEnd,
};

const isKind = (kind: unknown): kind is EventKind => typeof kind === 'string' && Object.hasOwn(sources, kind);

/** The kinds that are meant. */
function kindsOf(kind: unknown): readonly EventKind[] {
  if (kind === '*') return Object.keys(sources) as EventKind[];
  if (isKind(kind)) return [kind];
  const kinds = ['*', ...Object.keys(sources)].map((each) => `'${each}'`).join(', ');
  throw new ConfigurationError(`on(): expected the kind of event to be one of ${kinds}, got ${show(kind)}`);
}

/** What a listener throws is nobody's affair but its own: it becomes a warning, once for each listener. */
function contained(listener: (event: never) => unknown, kind: string): (event: unknown) => void {
  let hasFailed = false;
  const fail = (error: unknown): void => {
    if (hasFailed) return;
    hasFailed = true;
    const problem = `a listener of on('${kind}') threw; it goes on to be called, and is warned of once`;
    const detail = show(error);
    process.emitWarning(`opero: ${problem}`, { type: 'OperoWarning', detail });
  };
  return (event) => {
    try {
      catchRejection(listener(event as never), fail);
    } catch (error) {
      fail(error);
    }
  };
}

/**
 * Tells of what happens in governed calls, without knowing of channels. Calls and attempts are told of once, at their end.
 * The listener is called at once, in the midst of the call: it should be quick. What it throws never touches a call; the
 * first time it becomes a warning of the process, an `OperoWarning`. Where nobody listens, nothing is paid.
 *
 * @param kind The kind of event: `'call'`, `'attempt'`, `'wait'`, `'retry'`, `'fallback'`, `'reject'`, `'circuit'`,
 * `'hedge'`, `'cache'`, `'limit'`, `'store'`, `'lease'`, `'job'`; or `'*'` for all of them.
 * @param listener Gets the event; see `Events`.
 * @returns What ends it: a function that is also a Disposable.
 * @throws ConfigurationError when there is no such kind, or the listener is no function.
 * @example
 * using retries = on('retry', ({ className, method, delay }) => console.log(`${className}.${method} in ${delay} ms`));
 * const stop = on('*', (event) => console.log(event.type, event));
 */
export function on<const Kind extends EventKind | '*'>(
  kind: Kind,
  listener: (event: OperoEvent<Kind extends EventKind ? Kind : EventKind>) => unknown,
): Undo;
export function on(kind: unknown, listener: unknown): Undo {
  const kinds = kindsOf(kind);
  if (typeof listener !== 'function') {
    throw new ConfigurationError(`on(): expected the listener to be a function, got ${show(listener)}`);
  }
  const told = contained(listener as (event: never) => unknown, String(kind));
  for (const each of kinds) sources[each].subscribe(told);
  return once(() => {
    for (const each of kinds) sources[each].unsubscribe(told);
  });
}
