import type { Change } from './core/decoration/remade.js';
import { ConfigurationError } from './core/errors.js';
import { entriesOf, hasNames, show, type Where } from './core/options.js';
import type { Policies, PolicyKind } from './core/policies.js';
import type { Build } from './policies/defined.js';
import { builderOf, kinds, noChange, unknownKind } from './policies/kinds.js';

/** What stays as it was declared. */
type Fixed = 'key' | 'scope' | 'module' | 'limiter';

/** What methods share has a `configure` of its own. */
interface Shared {
  readonly configure: (...args: never[]) => unknown;
}

/**
 * What `configure` takes for a policy: some of its options, or its shorthand.
 *
 * @example
 * const options: ConfigurableOptions<RateLimitConfig> = { rate: 20 };
 */
export type ConfigurableOptions<Given> = Given extends string | URL | Shared
  ? never
  : Given extends readonly (infer Each)[]
    ? Given | readonly (Each | ConfigurableOptions<Each>)[]
    : Given extends (...args: never[]) => unknown
      ? Given
      : Given extends object
        ? { readonly [Name in Exclude<keyof Given, Fixed>]?: Given[Name] }
        : Given;

/**
 * What `configure` changes: for each kind of policy some of its options, or its shorthand; `false` takes it out.
 *
 * @example
 * const changes: PolicyChanges = { retry: { maxAttempts: 5 }, concurrency: 2, fallback: false };
 */
export type PolicyChanges = { readonly [Kind in PolicyKind]?: ConfigurableOptions<Policies[Kind]> | false };

/** Stops a policy from being built of options that were checked. */
const wereChecked = Symbol('were checked');

/** The changes that the options ask for; each option is checked, though not yet beside those of a policy. */
export function readChanges(given: unknown, where: Where): Map<PolicyKind, Change> {
  if (!hasNames(given)) {
    throw new ConfigurationError(`${where.text}: expected the options to be an object, got ${show(given)}`);
  }
  const changes = new Map<PolicyKind, Change>();
  for (const [kind, options] of entriesOf(given)) {
    const build = typeof kind === 'string' ? builderOf(kind) : undefined;
    if (build === undefined) throw unknownKind(where, kind, options, kinds());
    if (options === undefined) continue;
    if (options === true || options === null) throw noChange(where, kind as PolicyKind, options);
    changes.set(
      kind as PolicyKind,
      options === false ? false : readChange(build, options, { ...where, path: String(kind) }),
    );
  }
  return changes;
}

function readChange(build: Build, given: unknown, where: Where): Change {
  const options = copyOf(given) as never;
  const checked = (): never => {
    throw wereChecked;
  };
  try {
    build(options, { ...where, over: {}, checked });
  } catch (error) {
    if (error !== wereChecked) throw error;
  }
  return (policy) => (policy.build ?? build)(options, { ...where, over: policy.options });
}

/** A copy: what becomes of the options that were given is their owner's affair. */
function copyOf(given: unknown): unknown {
  if (Array.isArray(given)) return [...given];
  const isPlain = typeof given === 'object' && given !== null && Object.getPrototypeOf(given) === Object.prototype;
  return isPlain ? { ...given } : given;
}
