import { ConfigurationError } from '../core/errors.js';
import { unknownOption, type Where, wrongOption } from '../core/options.js';
import type { PolicyKind } from '../core/policies.js';
import { circuitBreakerPolicy } from './circuit-breaker.js';
import { concurrencyPolicy } from './concurrency.js';
import { cpuBoundPolicy } from './cpu-bound.js';
import { type Build, definedBuilder, definedKinds } from './defined.js';
import { fallbackPolicy, readFallback } from './fallback.js';
import { rateLimitPolicy } from './rate-limit.js';
import { retryPolicy } from './retry.js';
import { timeoutPolicy } from './timeout.js';

/** The policies that opero brings. The compiler asks for a line here from each that is declared in `Policies`. */
const builtIn: Readonly<Record<PolicyKind, Build>> = {
  retry: retryPolicy,
  fallback: (given: unknown, where) => {
    if (typeof given !== 'object' || given === null) {
      const allowed = 'an array of alternatives, or the options of @fallback';
      throw wrongOption({ text: where.text }, 'fallback', given, allowed);
    }
    return fallbackPolicy(readFallback(Array.isArray(given) ? { alternatives: given } : given, where), where);
  },
  circuitBreaker: circuitBreakerPolicy,
  rateLimit: rateLimitPolicy,
  concurrency: concurrencyPolicy,
  cpuBound: cpuBoundPolicy,
  timeout: timeoutPolicy,
};

/** The kinds of policy that there are: opero's own, and those of `definePolicy`. */
export const kinds = (): readonly string[] => [...Object.keys(builtIn), ...definedKinds()];

const hint = 'a policy of your own is known once its module, which calls definePolicy(), was loaded';

/** The error for a key that is no kind, nor anything else that is known beside the kinds. */
export const unknownKind = (
  where: Where,
  name: PropertyKey,
  value: unknown,
  known: readonly string[],
): ConfigurationError => new ConfigurationError(`${unknownOption(where, name, value, known).message}; ${hint}`);

/** How a policy of a kind is made; undefined where there is no such kind. */
export const builderOf = (kind: string): Build | undefined =>
  Object.hasOwn(builtIn, kind) ? builtIn[kind as PolicyKind] : definedBuilder(kind);
