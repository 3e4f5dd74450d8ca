import type { NameOfMethod, UnknownName } from '../core/decoration/method-names.js';
import { runBare } from './detours.js';
import { type Restore, restoring } from './restore.js';
import { type AnyConstructor, concerning } from './scope.js';

/**
 * Calls run the method and nothing else: no retry, limit or fallback, and one that is cpuBound, or queued, runs in this thread.
 * `currentCall()` works, the signal among the arguments ends nothing by itself, and `statsOf` counts nothing. Calls that
 * are under way go on through their policies.
 *
 * @param type The class whose methods are meant, in its subclasses too. Default: every class, and every Orchestrator.
 * @param method The one method that is meant; `'#name'` for a private one, `'static name'` for a static one that shares
 * its name with an instance one. The compiler checks it; one that is private or protected by TypeScript goes `as string`.
 * Default: all of them.
 * @returns What brings the policies back. Several may overlap.
 * @throws ConfigurationError when it is no class, or has no such method.
 * @example
 * using _ = withoutPolicies(Weather, 'forecast');
 * await weather.forecast('Davos'); // one call of the method, and its own error at once
 */
export function withoutPolicies<Type extends AnyConstructor, Name extends PropertyKey>(
  type?: Type,
  method?: (Name & UnknownName<Name>) | NameOfMethod<Type>,
): Restore {
  return restoring(runBare(concerning('withoutPolicies()', type, method)));
}
