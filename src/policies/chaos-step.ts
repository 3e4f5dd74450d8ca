import type { Call } from '../core/call/call.js';
import { finalError } from '../core/call/final-errors.js';
import { misuse } from '../core/call/own-errors.js';
import { pause } from '../core/call/pause.js';
import type { SiteInfo } from '../core/call/policy.js';
import { type Around, admitted, type Step } from '../core/call/step.js';
import { catchRejection, isThenable } from '../core/call/thenable.js';
import { duration, show } from '../core/options.js';
import type { AnyFunction } from '../core/types.js';
import { ignore } from './run.js';

/** The options of `@chaos`, checked and filled in. */
export interface Filled {
  readonly rate: number;
  readonly random: () => unknown;
  readonly latency?: unknown;
  readonly error?: unknown;
  readonly result?: unknown;
}

/** It stands for what the method does, so it is waited for also where waits are skipped. */
const isNeverSkipped = (): boolean => false;

/** The step that does something to attempts, right before the method's code. */
export function chaosStep(options: Filled, around: Around, site: SiteInfo): Step {
  const { rate, random, latency, error, result } = options;
  const { stats } = site;
  const hasResult = Object.hasOwn(options, 'result');

  const asked = (option: unknown, call: Call): unknown =>
    typeof option === 'function' ? Reflect.apply(option as AnyFunction, call.self, call.args) : option;

  const wrong = (name: string, allowed: string, given: unknown): Error => {
    // Of a promise, what it comes to is nobody's affair.
    catchRejection(given);
    return misuse('chaos', `expected \`${name}\` to give ${allowed}, got ${show(given)}`, site);
  };

  const isMeant = (): boolean => {
    const drawn = random();
    if (typeof drawn !== 'number' || Number.isNaN(drawn)) throw wrong('random', 'a number', drawn);
    return rate === 1 || drawn < rate;
  };

  const latencyOf = (call: Call): number => {
    if (latency === undefined) return 0;
    const wait = asked(latency, call);
    if (!duration.test(wait)) throw wrong('latency', duration.allowed, wait);
    return wait as number;
  };

  /** What stands in for what the method does; undefined: nothing. Throws only where an option is wrong. */
  const outcomeOf = (call: Call): Promise<unknown> | undefined => {
    let thrown: unknown;
    try {
      thrown = asked(error, call);
    } catch (own) {
      return Promise.reject(own);
    }
    if (isThenable(thrown)) throw wrong('error', 'an error or undefined', thrown);
    if (thrown !== undefined) return Promise.reject(thrown);
    if (!hasResult) return undefined;
    try {
      return Promise.resolve(asked(result, call));
    } catch (own) {
      return Promise.reject(own);
    }
  };

  /** Goes on once the time has passed; `goOn` is how where nothing stands in for the method. */
  const inject = (call: Call, isCounted: boolean, goOn: () => unknown): unknown => {
    let outcome: Promise<unknown> | undefined;
    try {
      outcome = outcomeOf(call);
    } catch (thrown) {
      return around.fail(finalError(thrown, call), call);
    }
    if (outcome === undefined) return goOn();
    if (!isCounted) stats.injected++;
    // As if the code were entered: it counts as an attempt, and for the limits as a start.
    const { entrance, start } = around;
    start?.entering(call);
    const attempt = call.trace?.enter(call);
    entrance.leftCode(call, entrance.enterCode(call));
    attempt?.sent();
    const told =
      attempt === undefined
        ? outcome
        : outcome.then(
            (value) => attempt.succeed(value),
            (thrown) => attempt.fail(thrown),
          );
    return told.then(
      (value) => entrance.succeed(value, call),
      (thrown) => entrance.fail(thrown, call),
    );
  };

  const injectLate = async (call: Call, wait: number): Promise<unknown> => {
    stats.injected++;
    stats.running++;
    // The method seems to run.
    call.started();
    around.start?.entering(call);
    await pause(call, wait, isNeverSkipped).catch(ignore);
    stats.running--;
    if (call.aborted) return await around.fail(call.reason, call);
    return await inject(call, true, () => around.next(call));
  };

  return {
    admit: function chaos(call) {
      if (call.aborted) return around.fail(call.reason, call);
      let wait: number;
      try {
        if (!isMeant()) return admitted;
        wait = latencyOf(call);
      } catch (thrown) {
        return around.fail(finalError(thrown, call), call);
      }
      return wait > 0 ? injectLate(call, wait) : inject(call, false, () => admitted);
    },
  };
}
