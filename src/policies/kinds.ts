import { ConfigurationError } from '../core/errors.js';
import { unknownOption, type Where, wrongOption } from '../core/options.js';
import type { PolicyKind } from '../core/policies.js';
import { cachePolicy } from './cache.js';
import { chaosPolicy } from './chaos.js';
import { circuitBreakerPolicy } from './circuit-breaker.js';
import { concurrencyPolicy } from './concurrency.js';
import { cpuBoundPolicy } from './cpu-bound.js';
import { type Build, definedBuilder, definedKinds } from './defined.js';
import { fallbackPolicy, readFallback } from './fallback.js';
import { hedgePolicy } from './hedge.js';
import { rateLimitPolicy } from './rate-limit.js';
import { retryPolicy } from './retry.js';
import { singleFlightPolicy } from './single-flight.js';
import { timeoutPolicy } from './timeout.js';

/** Those of entries of their own, which define them once they are loaded. */
type Apart = 'queued';

/** The policies that opero brings. The compiler asks for a line here from each that is declared in `Policies`. */
const builtIn: Readonly<Record<Exclude<PolicyKind, Apart>, Build>> = {
  retry: retryPolicy,
  fallback: (given: unknown, where) => {
    if (typeof given !== 'object' || given === null) {
      const allowed = 'an array of alternatives, or the options of @fallback';
      throw wrongOption({ text: where.text }, 'fallback', given, allowed);
    }
    return fallbackPolicy(readFallback(Array.isArray(given) ? { alternatives: given } : given, where), where);
  },
  hedge: hedgePolicy,
  circuitBreaker: circuitBreakerPolicy,
  rateLimit: rateLimitPolicy,
  concurrency: concurrencyPolicy,
  cpuBound: cpuBoundPolicy,
  timeout: timeoutPolicy,
  cache: cachePolicy,
  singleFlight: singleFlightPolicy,
  chaos: chaosPolicy,
};

/** What stands for the options of a kind, in words. */
const shorthands: Readonly<Partial<Record<PolicyKind, string>>> = {
  retry: 'a number of attempts',
  fallback: 'an array of alternatives',
  circuitBreaker: 'a number of failures in a row',
  rateLimit: 'a number of starts',
  concurrency: 'a number of slots',
  cpuBound: 'a module',
  timeout: 'a number of milliseconds',
  hedge: 'a number of milliseconds',
  cache: 'a number of milliseconds',
};

/** Those whose decorator may be called without arguments. */
const haveDefaults: readonly string[] = ['retry', 'circuitBreaker', 'singleFlight'] satisfies PolicyKind[];

/** Whether a kind of opero's own cannot be without options, as the bare `true` has it. */
export const needsOptions = (kind: string): boolean => Object.hasOwn(builtIn, kind) && !haveDefaults.includes(kind);

/** The error for true or false where a kind of policy is asked for. */
export function flagForKind({ text }: Where, kind: string, given: boolean): ConfigurationError {
  const shorthand = Object.hasOwn(shorthands, kind) ? `${shorthands[kind as PolicyKind]}, or ` : '';
  const error = wrongOption({ text }, kind, given, `${shorthand}the options of @${kind}`);
  return given ? error : new ConfigurationError(`${error.message}; for none, leave it out`);
}

/** The error for what stands neither for options of a kind that are to be changed, nor for taking it out. */
export function noChange({ text }: Where, kind: string, given: unknown): ConfigurationError {
  const shorthand = Object.hasOwn(shorthands, kind) && kind !== 'cpuBound' ? `${shorthands[kind as PolicyKind]}, ` : '';
  const allowed = `${shorthand}some options of @${kind}, or false`;
  const { message } = wrongOption({ text }, kind, given, allowed);
  return new ConfigurationError(`${message}; \`{}\` puts in again what was taken out`);
}

/** The kinds of policy that there are: opero's own, and those of `definePolicy`. */
export const kinds = (): readonly string[] => [...Object.keys(builtIn), ...definedKinds()];

const hint = 'a policy of your own is known once its module, which calls definePolicy(), was loaded';

const entriesApart: Readonly<Record<Apart, string>> = { queued: 'opero/bullmq' };

/** The error for a key that is no kind, nor anything else that is known beside the kinds. */
export const unknownKind = (
  where: Where,
  name: PropertyKey,
  value: unknown,
  known: readonly string[],
): ConfigurationError =>
  new ConfigurationError(
    Object.hasOwn(entriesApart, name)
      ? `${where.text}: \`${String(name)}\` is known once ${entriesApart[name as Apart]} was imported`
      : `${unknownOption(where, name, value, known).message}; ${hint}`,
  );

/** How a policy of a kind is made; undefined where there is no such kind. */
export const builderOf = (kind: string): Build | undefined =>
  Object.hasOwn(builtIn, kind) ? builtIn[kind as keyof typeof builtIn] : definedBuilder(kind);
