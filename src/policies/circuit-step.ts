import { Call } from '../core/call/call.js';
import { finalError } from '../core/call/final-errors.js';
import { callHook, tellHook } from '../core/call/hooks.js';
import type { ErrorMatcher } from '../core/call/matcher.js';
import { isOwnError } from '../core/call/own-errors.js';
import { replacedPlace } from '../core/call/places.js';
import type { SiteInfo } from '../core/call/policy.js';
import { type Around, admitted, type Step } from '../core/call/step.js';
import { node } from '../core/node.js';
import type { SharingConfig } from '../limits/limiters.js';
import { Circuit } from './circuit.js';
import type { Threshold } from './circuit-counts.js';
import { judgeOf } from './circuit-judge.js';
import { Circuits } from './circuit-keys.js';
import type { CircuitOptions } from './circuit-options.js';
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

export type CallCircuits = Circuits<Call, Filled>;

/** The circuits of a method, whose changes are told to the hook and counted. */
export function circuitsOf(options: Filled, site: SiteInfo): CallCircuits {
  const where = { text: `@circuitBreaker on ${site.label}` };
  let latest = options;
  let told = toldOf(options, site);
  const toldBy = (current: Filled): CircuitOptions<Call> => {
    if (current !== latest) told = toldOf(current, site);
    latest = current;
    return told;
  };
  return new Circuits(
    options,
    site,
    (current) => new Circuit(toldBy(current), where),
    (circuit, current) => circuit.configure(toldBy(current)),
  );
}

/** The options for the circuits of a method. */
function toldOf(options: Filled, site: SiteInfo): CircuitOptions<Call> {
  const { halfOpenAfter, onStateChange } = options;
  return {
    ...options,
    halfOpenAfter:
      typeof halfOpenAfter === 'number'
        ? halfOpenAfter
        : (opening, error, call) => callHook(halfOpenAfter, call, site, opening, error) as number,
    onStateChange(change, call) {
      if (change.to === 'open') site.stats.circuitOpenings++;
      if (onStateChange === undefined) return;
      // Of a promise, what it comes to is nobody's affair. A change by hand may have no receiver.
      const outcome = tellHook(onStateChange, call ?? Call.idle, site, change);
      if (outcome instanceof Promise) outcome.catch(() => {});
    },
    onHookError(error) {
      const problem = '`onStateChange` threw at a change by hand, which stands all the same';
      const detail = node('node:util').inspect(error);
      process.emitWarning(`@circuitBreaker on ${site.label}: ${problem}`, { type: 'OperoWarning', detail });
    },
  };
}

/** In place of the token of an attempt that has ended for its circuit: no circuit gives such a one. */
const ended = -1;

/** What an attempt holds of a circuit. */
class Passage {
  /** When the code was entered first; Infinity: not yet. */
  enteredAt = Number.POSITIVE_INFINITY;
  unwatch: (() => void) | undefined = undefined;

  constructor(
    readonly circuit: Circuit<Call>,
    public token: number,
  ) {}

  /** Gives the token, which is to be ended now; `ended` if it was before. */
  take(): number {
    const { token } = this;
    this.token = ended;
    return token;
  }
}

/** The step of a circuit breaker. Each attempt that it lets through holds a passage until the attempt has ended. */
export function stepOf(options: Filled, circuits: CallCircuits, around: Around, site: SiteInfo): Step {
  const { place } = around;
  const replaced = replacedPlace(site);
  const only = replaced === undefined ? circuits.only : undefined;
  const judge = judgeOf(options, site);
  const isEverySuccess = options.failResult === undefined && options.slowAfter === Number.POSITIVE_INFINITY;
  const isTimed = options.slowAfter !== Number.POSITIVE_INFINITY;

  const passageOf = (call: Call): Passage => call.keptAt(place) as Passage;

  const openError = (refusal: Refusal): Error => {
    site.stats.rejected++;
    return circuitOpenError(site.label, refusal);
  };

  /** Has the circuit know how an attempt ended, if that `counts`. Throws what a function of the options throws, which is no verdict. */
  const tell = (call: Call, passage: Passage, counts: boolean, failed: boolean, result: unknown): void => {
    const { circuit, enteredAt } = passage;
    const token = passage.take();
    if (token === ended) return;
    let verdict: ReturnType<typeof judge> = 'neutral';
    try {
      if (counts) verdict = judge(call, failed, result, enteredAt);
    } catch (thrown) {
      circuit.leave(token);
      throw thrown;
    }
    if (verdict === 'success') circuit.succeed(token, call);
    else if (verdict === 'failure') circuit.fail(token, failed ? result : undefined, call);
    else circuit.leave(token);
  };

  /** Ends a passage as soon as the call is aborted: its code may run on for long. */
  const watch = (call: Call, passage: Passage): void => {
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
  const admitAgain = (call: Call, passage: Passage): unknown => {
    const { circuit } = passage;
    const token = passage.take();
    try {
      const answer = token === ended ? circuit.admit(call) : circuit.recheck(token, call);
      if (typeof answer !== 'number') return openError(answer);
      passage.token = answer;
      return admitted;
    } catch (thrown) {
      return finalError(thrown, call);
    }
  };

  return {
    admit: function circuitBreaker(call) {
      let circuit: Circuit<Call>;
      let answer: number | Refusal;
      try {
        circuit = only ?? circuits.of(call, replaced);
        answer = circuit.admit(call);
      } catch (thrown) {
        return around.fail(finalError(thrown, call), call);
      }
      if (typeof answer !== 'number') return around.fail(openError(answer), call);
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
      if (isEverySuccess && unwatch === undefined && circuit.stands(token)) {
        // As most calls end: nobody has a say.
        circuit.succeed(token, call);
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
