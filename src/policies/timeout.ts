import type { Policy, SiteInfo } from '../core/call/policy.js';
import type { Around, Step } from '../core/call/step.js';
import { policyDecorator } from '../core/decoration/decorate.js';
import type { ContextOnly, PolicyDecorator, WithoutContext } from '../core/decoration/decorator-types.js';
import { callback, positiveDuration, readOptions, type Where, wrongOption } from '../core/options.js';
import { rankOf } from './order.js';
import { Bound, type Scope, type TimeoutEvent } from './timeout-run.js';

/** The options, whichever of them are given. */
interface TimeoutOptions<This, Args extends readonly unknown[]> {
  /**
   * How long an attempt may take, in milliseconds, from the entry of the method's code on: what it waits for a permit or a
   * slot does not count. Default: as long as it likes.
   */
  readonly attempt?: number;
  /**
   * How long all attempts and the waits of the call may take, in milliseconds. Alternatives of `@fallback` do not count.
   * Default: as long as they like.
   */
  readonly total?: number;
  /**
   * Called when the time is up, once what runs was aborted; `this` is the receiver. It is not waited for: what a
   * promise that it returns comes to goes nowhere. If it throws, the call rejects with that, without another attempt.
   * Default: none.
   */
  readonly onTimeout?: (this: This, event: TimeoutEvent<Args>) => unknown;
}

/**
 * Options of `@timeout`. At least one of `attempt` and `total` is required.
 *
 * @example
 * const config: TimeoutConfig = { attempt: 500, total: 3_000 };
 */
export type TimeoutConfig<This = never, Args extends readonly unknown[] = never> = TimeoutOptions<This, Args> &
  ({ readonly attempt: number } | { readonly total: number });

declare module '../core/policies.js' {
  interface Policies {
    /** `attempt` in milliseconds, or the options of `@timeout`. */
    readonly timeout: number | TimeoutConfig;
  }
}

const rules = { attempt: positiveDuration, total: positiveDuration, onTimeout: callback };

export function timeoutPolicy(given: number | TimeoutConfig | undefined, where: Where): Policy {
  const config = typeof given === 'object' ? given : { attempt: given };
  const options = readOptions<TimeoutOptions<never, never>>(where, config, rules, {});
  const { attempt, total, onTimeout } = options;

  const stepOf = (scope: Scope, timeout: number) => ({
    rank: rankOf(`timeout.${scope}`),
    ...(attempt !== undefined && total !== undefined && { name: `timeout.${scope}` }),
    wrap(around: Around, site: SiteInfo): Step {
      const bound = new Bound({ around, site, scope, timeout, onTimeout });
      return { isBoundary: true, admit: (call) => bound.admit(call) };
    },
  });

  const steps = [
    ...(total === undefined ? [] : [stepOf('total', total)]),
    ...(attempt === undefined ? [] : [stepOf('attempt', attempt)]),
  ];
  const [first, ...others] = steps;
  if (first === undefined) {
    throw wrongOption(where, 'attempt', undefined, `${positiveDuration.allowed}, as there is no \`total\``);
  }
  return {
    kind: 'timeout',
    options,
    steps: [first, ...others],
    caution(all) {
      if (attempt === undefined) return undefined;
      if (total === undefined) return mayWaitForEver(all) ? heldForEver : undefined;
      return attempt < total ? undefined : neverUp(attempt, total);
    },
  };
}

const heldForEver =
  'an attempt that was given up and never ends keeps its slot for ever, and calls wait for it; give timeout a total, or concurrency a maxWait';

const neverUp = (attempt: number, total: number): string =>
  `attempt (${attempt} ms) never counts, as total (${total} ms) is up before; give attempt less than total`;

/** Whether calls wait for a slot without end. A worker that is stopped gives its slot back. */
function mayWaitForEver(policies: readonly Policy[]): boolean {
  const limit = policies.find(({ kind }) => kind === 'concurrency')?.options as { maxWait?: number } | undefined;
  return limit?.maxWait === Number.POSITIVE_INFINITY && policies.every(({ kind }) => kind !== 'cpuBound');
}

// Without parentheses, for the compiler to show what to write.
export function timeout<Second>(
  first: unknown,
  second: Second & ContextOnly<Second>,
): { readonly 'write this decorator with parentheses': '@timeout(...)' } & WithoutContext<Second>;
/**
 * Ends an attempt of the method that takes too long, and a call that does: with a TimeoutError, which is also the reason of
 * `currentCall().signal`. Nothing else ends what the method has begun: what that signal is not passed on to goes on, and
 * keeps its slot until it has ended.
 *
 * @param config `attempt` in ms, or the options, at least one of the first two: `attempt` (in ms, from the entry of the
 * method's code), `total` (in ms, with all attempts and waits), `onTimeout`.
 * @throws ConfigurationError at decoration, when an option is wrong.
 * @throws TimeoutError from the call, when the time was up; `retry` and `fallback` see it like any error.
 * @example
 * class Weather {
 *   readonly url = 'https://weather.example';
 *
 *   \@retry(3)
 *   \@timeout({ attempt: 500, total: 3_000 })
 *   async forecast(city: string, init?: RequestInit): Promise<string> {
 *     const response = await fetch(`${this.url}/${city}`, { ...init, signal: currentCall().signal ?? null });
 *     return await response.text(); // within the method, as the signal serves until it has ended
 *   }
 * }
 */
export function timeout<This, Args extends readonly unknown[]>(
  config: number | TimeoutConfig<This, Args>,
): PolicyDecorator<{ option: 'hooks'; this: This; args: Args }>;
export function timeout(...given: readonly unknown[]): unknown {
  return policyDecorator('timeout', given, 1, (where) => timeoutPolicy(given[0] as number | TimeoutConfig, where));
}
