import type { Call } from '../core/call/call.js';
import { channels } from '../core/call/channels.js';
import { finalError } from '../core/call/final-errors.js';
import { isOwnError, ownError } from '../core/call/own-errors.js';
import { replacedPlace } from '../core/call/places.js';
import type { SiteInfo } from '../core/call/policy.js';
import { type Around, admitted, type Step } from '../core/call/step.js';
import { tellOfRejection } from '../core/call/tell.js';
import type { Circuit } from './circuit.js';
import { judgeOf } from './circuit-judge.js';
import { circuitOpenError, type Refusal } from './circuit-refusal.js';
import { now } from './circuit-time.js';
import type { CallCircuits, Filled } from './told-circuits.js';

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
