import { finalError } from '../core/call/final-errors.js';
import { type SiteInfo, stepsOf } from '../core/call/policy.js';
import type { Around, Step } from '../core/call/step.js';
import { ConfigurationError } from '../core/errors.js';
import { WeakList } from '../core/weak-list.js';

/** What is taken while a limit is held, and by which method first. */
class Later {
  readonly #limits = new WeakList<object>();
  readonly #methods = new WeakMap<object, string>();

  add(limit: object, method: string): void {
    if (this.#methods.has(limit)) return;
    this.#limits.add(limit);
    this.#methods.set(limit, method);
  }

  [Symbol.iterator](): Iterator<object> {
    return this.#limits[Symbol.iterator]();
  }

  methodFor(limit: object): string {
    return this.#methods.get(limit) as string;
  }
}

const later = new WeakMap<object, Later>();

/** By which method a limit is taken while another is held, whatever is taken between the two; undefined: by none. */
function methodThatTakes(limit: object, held: object, seen = new Set<object>()): string | undefined {
  if (seen.has(held)) return undefined;
  seen.add(held);
  const after = later.get(held);
  for (const each of after ?? []) {
    const method = each === limit ? after?.methodFor(limit) : methodThatTakes(limit, each, seen);
    if (method !== undefined) return method;
  }
  return undefined;
}

/**
 * Notes in which order a method takes the limits that it shares with others.
 *
 * @throws ConfigurationError where that is against the order of a method noted before: each of the two could hold what the
 * other waits for.
 */
export function noteOrder({ label, policies }: Pick<SiteInfo, 'label' | 'policies'>): void {
  const limits = stepsOf(policies).flatMap(({ shares }) => shares ?? []);
  for (const [at, first] of limits.entries()) {
    for (const second of limits.slice(at + 1)) {
      const method = methodThatTakes(first, second);
      if (method === undefined) continue;
      const cure = 'give the two limits in the same order everywhere';
      throw new ConfigurationError(
        `${label}: it takes two shared limits in the order that is against that of ${method}, so that each could wait for what the other holds; ${cure}`,
      );
    }
  }
  for (const [at, first] of limits.entries()) {
    for (const second of limits.slice(at + 1)) {
      const after = later.get(first) ?? new Later();
      later.set(first, after);
      after.add(second, label);
    }
  }
}

/** The error for a method that takes shared limits against the order of another; undefined where it does not. */
export function orderProblem(site: SiteInfo): unknown {
  try {
    noteOrder(site);
  } catch (error) {
    return error;
  }
  return undefined;
}

/** A step that lets no call through. */
export const refusing = (error: unknown, around: Around): Step => ({
  admit: (call) => around.fail(finalError(error, call), call),
});
