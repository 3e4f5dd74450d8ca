import { Call } from '../core/call/call.js';
import { channels } from '../core/call/channels.js';
import { callHook, tellHook } from '../core/call/hooks.js';
import type { ErrorMatcher } from '../core/call/matcher.js';
import type { SiteInfo, State } from '../core/call/policy.js';
import { callIdOf, factsOf } from '../core/call/tell.js';
import { catchRejection } from '../core/call/thenable.js';
import { node } from '../core/node.js';
import type { Undo } from '../core/undo.js';
import type { Key } from '../limits/asked.js';
import type { SharingConfig } from '../limits/limiters.js';
import { Circuit } from './circuit.js';
import type { Threshold } from './circuit-counts.js';
import { type CircuitHandle, handleOf } from './circuit-handle.js';
import { Circuits } from './circuit-keys.js';
import type { CircuitChange, CircuitOptions, CircuitState } from './circuit-options.js';

/** The options of `@circuitBreaker`, checked and filled in. What its functions take was checked against the method. */
export type Filled = Threshold &
  SharingConfig & {
    readonly halfOpenAfter: number | ((opening: number, error: unknown, ...context: never[]) => number);
    readonly halfOpenCalls: number;
    readonly failOn?: ErrorMatcher;
    readonly ignore?: ErrorMatcher;
    readonly failResult?: (...given: never[]) => boolean;
    readonly slowAfter: number;
    readonly onStateChange?: (...given: never[]) => unknown;
  };

/** The circuits that the calls of a method go through, for who looks at them. */
export interface SiteCircuits {
  readonly site: SiteInfo;
  readonly key: Key | undefined;
  /** The options as they are by now. */
  readonly options: () => Filled;
  /** Isolates every circuit, of whatever receiver and key, those too that come meanwhile, until that is ended. */
  isolate(): Undo;
  /** A circuit of a receiver, by key; `call` stands for who changes it by hand. */
  handle(owner: unknown, key: unknown, call: Call | undefined): CircuitHandle;
  /** What the circuits are now, of all receivers and keys. */
  states(): Iterable<CircuitState>;
}

/** The same, for those who call. */
export interface CallCircuits<Context> extends SiteCircuits {
  readonly circuits: () => Circuits<Context, Filled>;
  /** The only one that there ever is, if that is known. */
  readonly only: Circuit<Context> | undefined;
  /** What a circuit is told of who called. */
  readonly contextOf: (call: Call) => Context;
}

/** Whose call a circuit tells of; undefined where it was changed by hand, and nothing is known of who did. */
type WhoseCall<Context> = (context: Context | undefined) => {
  readonly call: Call | undefined;
  readonly site: SiteInfo;
};

/** Circuits whose changes are told to the hook and counted. */
export function toldCircuits<Context>(
  options: Filled,
  text: string,
  whose: WhoseCall<Context>,
): Circuits<Context, Filled> {
  let latest = options;
  let told = toldOf(options, text, whose);
  const toldBy = (current: Filled): CircuitOptions<Context> => {
    if (current !== latest) told = toldOf(current, text, whose);
    latest = current;
    return told;
  };
  return new Circuits(
    options,
    (current) => new Circuit(toldBy(current), { text }),
    (circuit, current) => circuit.configure(toldBy(current)),
  );
}

/** The circuits of a method's own. */
export function circuitsOf(options: Filled, site: SiteInfo): CallCircuits<Call> & State {
  const circuits = toldCircuits<Call>(options, `@circuitBreaker on ${site.label}`, (call) => ({ call, site }));
  return {
    site,
    key: options.key,
    options: () => options,
    circuits: () => circuits,
    only: circuits.only,
    contextOf: (call) => call,
    isolate: () => circuits.isolate(undefined),
    handle: (owner, key, call) => handleOf(() => circuits.byKeyOf(owner), key, call),
    states: () => circuits.states(),
    configure: (current) => circuits.configure(current as Filled),
  };
}

/** The options for circuits. */
function toldOf<Context>(options: Filled, text: string, whose: WhoseCall<Context>): CircuitOptions<Context> {
  const { halfOpenAfter, onStateChange } = options;
  return {
    ...options,
    halfOpenAfter:
      typeof halfOpenAfter === 'number'
        ? halfOpenAfter
        : (opening, error, context) => {
            const { call, site } = whose(context);
            return callHook(halfOpenAfter, call ?? Call.idle, site, opening, error) as number;
          },
    onStateChange(change, context) {
      const { call, site } = whose(context);
      if (change.to === 'open') site.stats.circuitOpenings++;
      if (channels.circuit.hasSubscribers) tellOfChange(change, call, site);
      if (onStateChange === undefined) return;
      // Of a promise, what it comes to is nobody's affair. A change by hand may have no receiver.
      catchRejection(tellHook(onStateChange, call ?? Call.idle, site, change));
    },
    onHookError(error) {
      const problem = '`onStateChange` threw at a change by hand, which stands all the same';
      const detail = node('node:util').inspect(error);
      process.emitWarning(`${text}: ${problem}`, { type: 'OperoWarning', detail });
    },
  };
}

/** Stands for the call where a circuit is changed by hand. */
export class CallByHand extends Call {
  constructor(self: unknown) {
    super(() => {}, self, [], undefined, undefined);
  }
}

/** Publishes that a circuit has changed. */
function tellOfChange({ from, to, error }: CircuitChange, call: Call | undefined, site: SiteInfo): void {
  const isByHand = call === undefined || call instanceof CallByHand;
  const facts = factsOf(site, isByHand ? undefined : call.fn);
  const callId = isByHand ? undefined : callIdOf(call);
  channels.circuit.publish({ type: 'circuit', ...facts, callId, policy: 'circuitBreaker', from, to, error });
}
