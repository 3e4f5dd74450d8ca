import { Call } from '../core/call/call.js';
import { channels } from '../core/call/channels.js';
import { finalError } from '../core/call/final-errors.js';
import { callHook, tellHook } from '../core/call/hooks.js';
import type { ErrorMatcher } from '../core/call/matcher.js';
import { isOwnError, ownError } from '../core/call/own-errors.js';
import { replacedPlace } from '../core/call/places.js';
import type { SiteInfo, State } from '../core/call/policy.js';
import { type Around, admitted, type Step } from '../core/call/step.js';
import { callIdOf, factsOf, tellOfRejection } from '../core/call/tell.js';
import { catchRejection } from '../core/call/thenable.js';
import { node } from '../core/node.js';
import type { Undo } from '../core/undo.js';
import type { Key } from '../limits/asked.js';
import type { SharingConfig } from '../limits/limiters.js';
import { Circuit } from './circuit.js';
import type { Threshold } from './circuit-counts.js';
import { type CircuitHandle, handleOf } from './circuit-handle.js';
import { judgeOf } from './circuit-judge.js';
import { Circuits } from './circuit-keys.js';
import type { CircuitChange, CircuitOptions, CircuitState } from './circuit-options.js';
import { circuitOpenError, type Refusal } from './circuit-refusal.js';
import { now } from './circuit-time.js';

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

/** In place of the token of an attempt that has ended for its circuit: no circuit gives such a one. */
const ended = -1;

/** What an attempt holds of a circuit. */
class Passage<Context> {
  /** When the code was entered first; Infinity: not yet. */
  enteredAt = Number.POSITIVE_INFINITY;
  unwatch: (() => void) | undefined = undefined;

  constructor(
    readonly circuit: Circuit<Context>,
    public token: number,
  ) {}

  /** Gives the token, which is to be ended now; `ended` if it was before. */
  take(): number {
    const { token } = this;
    this.token = ended;
    return token;
  }
}

/** How ends of attempts are judged by some options. */
interface Ruling {
  readonly options: Filled;
  readonly judge: ReturnType<typeof judgeOf>;
  /** Whether a value is a success, whatever it is and however late. */
  readonly isEverySuccess: boolean;
}

const rulingOf = (options: Filled, site: SiteInfo): Ruling => ({
  options,
  judge: judgeOf(options, site),
  isEverySuccess: options.failResult === undefined && options.slowAfter === Number.POSITIVE_INFINITY,
});

/** The step of a circuit breaker. Each attempt that it lets through holds a passage until the attempt has ended. */
export function stepOf<Context>(
  { key, options, circuits, only: single, contextOf }: CallCircuits<Context>,
  around: Around,
  site: SiteInfo,
): Step {
  const { place } = around;
  const replaced = replacedPlace(site);
  const only = replaced === undefined ? single : undefined;
  const isTimed = single === undefined || options().slowAfter !== Number.POSITIVE_INFINITY;
  let ruling = rulingOf(options(), site);

  /** By the options that hold now: those of a shared circuit may change. */
  const ruled = (): Ruling => {
    const current = options();
    if (current !== ruling.options) ruling = rulingOf(current, site);
    return ruling;
  };

  const passageOf = (call: Call): Passage<Context> => call.keptAt(place) as Passage<Context>;

  const openError = (refusal: Refusal, call: Call): Error => {
    site.stats.rejected++;
    const error = ownError(circuitOpenError(site.label, refusal), site);
    if (channels.reject.hasSubscribers) tellOfRejection(error, call, site);
    return error;
  };

  /** Has the circuit know how an attempt ended, if that `counts`. Throws what a function of the options throws, which is no verdict. */
  const tell = (call: Call, passage: Passage<Context>, counts: boolean, failed: boolean, result: unknown): void => {
    const { circuit, enteredAt } = passage;
    const token = passage.take();
    if (token === ended) return;
    let verdict: ReturnType<Ruling['judge']>;
    try {
      if (counts) verdict = ruled().judge(call, failed, result, enteredAt);
    } catch (thrown) {
      circuit.leave(token);
      throw thrown;
    }
    if (verdict === 'success') circuit.succeed(token, contextOf(call));
    else if (verdict === 'failure') circuit.fail(token, failed ? result : undefined, contextOf(call));
    else circuit.leave(token);
  };

  /** Ends a passage as soon as the call is aborted: its code may run on for long. */
  const watch = (call: Call, passage: Passage<Context>): void => {
    passage.unwatch = call.watchAbort((reason) => {
      const counts = call.abortedBy === 'deadline' && call.hasStarted === true;
      try {
        tell(call, passage, counts, true, reason);
      } catch {
        // What a hook throws is for this call alone, which rejects with the timeout already.
      }
    });
  };

  const end = (call: Call, failed: boolean, result: unknown): void => {
    const passage = passageOf(call);
    passage.unwatch?.();
    tell(call, passage, !call.aborted && !(failed && isOwnError(result, site)), failed, result);
  };

  /** Asks again for a call whose circuit has changed while it waited; gives `admitted`, or the error that turns it away. */
  const admitAgain = (call: Call, passage: Passage<Context>): unknown => {
    const { circuit } = passage;
    const token = passage.take();
    try {
      const answer = token === ended ? circuit.admit(contextOf(call)) : circuit.recheck(token, contextOf(call));
      if (typeof answer !== 'number') return openError(answer, call);
      passage.token = answer;
      return admitted;
    } catch (thrown) {
      return finalError(thrown, call);
    }
  };

  return {
    admit: function circuitBreaker(call) {
      let circuit: Circuit<Context>;
      let answer: number | Refusal;
      try {
        circuit = only ?? circuits().of(call, key, replaced, site);
        answer = circuit.admit(contextOf(call));
      } catch (thrown) {
        return around.fail(finalError(thrown, call), call);
      }
      if (typeof answer !== 'number') return around.fail(openError(answer, call), call);
      const passage = new Passage(circuit, answer);
      call.keep(place, passage);
      if (call.isWatched) watch(call, passage);
      return admitted;
    },
    recheck(call) {
      const passage = passageOf(call);
      // The gate tells of an abort.
      if (passage.circuit.stands(passage.token) || call.aborted) return admitted;
      return admitAgain(call, passage);
    },
    ...(isTimed && {
      entering(call) {
        const passage = passageOf(call);
        passage.enteredAt = Math.min(passage.enteredAt, now());
      },
    }),
    ok(value, call) {
      const { circuit, token, unwatch } = passageOf(call);
      if (unwatch === undefined && ruled().isEverySuccess && circuit.stands(token)) {
        // As most calls end: nobody has a say.
        circuit.succeed(token, contextOf(call));
        return around.ok(value, call);
      }
      try {
        end(call, false, value);
      } catch (thrown) {
        return around.fail(finalError(thrown, call), call);
      }
      return around.ok(value, call);
    },
    fail(error, call) {
      try {
        end(call, true, error);
      } catch (thrown) {
        return around.fail(finalError(thrown, call), call);
      }
      return around.fail(error, call);
    },
  };
}
