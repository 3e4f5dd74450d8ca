import type { Call } from '../core/call/call.js';
import { enter } from '../core/call/current-call.js';
import { finalError } from '../core/call/final-errors.js';
import { methodOf } from '../core/call/hooks.js';
import { misuse } from '../core/call/own-errors.js';
import type { Policy, SiteInfo } from '../core/call/policy.js';
import { countsOf } from '../core/call/stats.js';
import type { Around, Step } from '../core/call/step.js';
import { policyDecorator } from '../core/decoration/decorate.js';
import type { ContextOnly, PolicyDecorator, WithoutContext } from '../core/decoration/decorator-types.js';
import { readOptions, show, type Where, wrongOption } from '../core/options.js';
import { peek } from '../core/peek.js';
import type { PolicyKind } from '../core/policies.js';
import type { AnyFunction } from '../core/types.js';
import type { SharingConfig } from '../limits/limiters.js';
import { type Shared, States } from '../limits/states.js';
import { define } from './defined.js';
import type { DefaultsOf, Given, PolicyCall, PolicyDefinition, Rules } from './definition.js';
import { rankOf } from './order.js';
import { Pass, type Standing } from './pass.js';
import { type Definition, readDefinition } from './read-definition.js';
import { ignore } from './run.js';

/** For the compiler to show what to write. */
type WithoutParentheses = <Second>(
  first: unknown,
  second: Second & ContextOnly<Second>,
) => { readonly 'write this decorator with parentheses': '@name(...)' } & WithoutContext<Second>;

/** The argument of a factory: it may be left out where all that it holds may. */
type OnlyArgument<Options> = Record<never, never> extends Options ? [options?: Options] : [options: Options];

/** Nothing but an empty object, where there are no options. */
type OrNone<Options> = [keyof Options] extends [never] ? Readonly<Record<PropertyKey, never>> : Options;

/** The options of a policy with a state. */
type Sharing<Options, Args extends readonly unknown[]> = [keyof Options] extends [never]
  ? SharingConfig<Args>
  : Options & SharingConfig<Args>;

/**
 * A factory of decorators that `definePolicy` made. Where the policy has a state, `key` and `scope` are options too.
 *
 * @example
 * const log: PolicyFactory<{ level?: 'low' | 'high' }> = definePolicy({
 *   kind: 'log',
 *   stage: 'call',
 *   options: { level: oneOf('low', 'high') },
 *   defaults: { level: 'low' },
 *   around: (next) => next(),
 * });
 */
export type PolicyFactory<Options, State = undefined> = [State] extends [undefined]
  ? WithoutParentheses & ((...given: OnlyArgument<OrNone<Options>>) => PolicyDecorator)
  : WithoutParentheses &
      (<Args extends readonly unknown[]>(
        ...given: OnlyArgument<Sharing<Options, Args>>
      ) => PolicyDecorator<{ option: 'key'; args: Args }>);

/** Where so many policies of one stage stand apart: the later one was defined, the further in, but still in its place. */
const apart = 2 ** -32;

/** What `around` is told of a call. */
class ToldCall implements PolicyCall {
  readonly args: readonly unknown[];
  readonly attempt: number;
  readonly self: unknown;
  readonly #call: Call;

  constructor(
    call: Call,
    readonly method: string,
    readonly options: Readonly<Record<string, unknown>>,
    readonly stats: Record<string, number>,
    readonly state: unknown,
  ) {
    this.#call = call;
    this.args = call.args;
    this.attempt = call.attempt;
    this.self = call.self;
  }

  get signal(): AbortSignal | undefined {
    return this.#call.signal;
  }
}

/** What calls may share. */
function shareable(state: unknown, kind: string, site: SiteInfo): unknown {
  if (typeof peek(state, 'then') !== 'function') return state;
  // What it comes to is nobody's affair.
  Promise.resolve(state).catch(ignore);
  throw misuse(kind, `expected \`state\` to return no promise, got ${show(state)}`, site);
}

/** The policy with options that were read already. */
function policyOf(
  definition: Definition,
  options: Readonly<Record<string, unknown>>,
  rank: number,
  build: NonNullable<Policy['build']>,
): Policy {
  const { kind, stage, state: makeState, stats: counts } = definition;

  const wrap = (around: Around, site: SiteInfo): Step => {
    const stats = countsOf(site.stats, kind, counts);
    const newState = makeState && (() => shareable(makeState(), kind, site));
    const states = newState && site.stateOf(policy, () => new States(options, site, kind, newState));
    const standing: Standing = { kind, site, around, waitsForAll: stage === 'method', states };
    const { around: doAround } = definition;
    const ended = (call: Call, hasFailed: boolean): void => {
      const pass = call.keptAt(around.place);
      if (pass instanceof Pass) pass.endOfItself(call, hasFailed);
      else call.ended(hasFailed);
    };
    return {
      isBoundary: true,
      beneath: {
        ok(value, call) {
          ended(call, false);
          return value;
        },
        fail(error, call) {
          ended(call, true);
          throw error;
        },
      },
      admit: function defined(call) {
        if (call.aborted) return around.fail(call.reason, call);
        let shared: Shared<unknown> | undefined;
        try {
          shared = states?.enter(call);
        } catch (error) {
          return around.fail(finalError(error, call), call);
        }
        const pass = new Pass(call, standing, shared);
        const told = new ToldCall(call, methodOf(call, site), options, stats, shared?.state);
        // Bound, so that no frame of it stands in a stack.
        const next = pass.next.bind(pass);
        return enter(call, doAround as AnyFunction, undefined, [next, told]).then(
          (value) => pass.end(around.ok, value),
          (error) => pass.end(around.fail, error),
        );
      },
    };
  };

  const policy: Policy = {
    // One that nobody declared in `Policies` is a kind all the same.
    kind: kind as PolicyKind,
    options,
    build,
    ...(counts !== undefined && { counts }),
    steps: [{ rank, wrap }],
  };
  return policy;
}

/**
 * Makes a policy of your own: a factory of decorators that take part in all that opero's own do. They go on methods and on
 * classes, are inherited, and are shown by `policiesOf` and `explain`; `@orchestrate` and `Orchestrator` take them by their
 * kind. To have the compiler know the kind there, declare it in `Policies`.
 *
 * @param definition `kind` (its name), `stage` (`'call'`, `'attempt'` or `'method'`), `around` (what it does), `options`
 * (a rule for each; none), `defaults` (of the options that may be left out; none), `state` (makes what calls share), `stats`
 * (what it counts).
 * @returns A factory of decorators, as `retry` is one. Of several policies of one stage the one defined first is the outermost.
 * @throws ConfigurationError when the definition is wrong, as with a kind of opero's own. A kind that was defined before is
 * replaced, for classes that are defined from then on.
 * @example
 * const log = definePolicy({
 *   kind: 'log',
 *   stage: 'call',
 *   options: { level: oneOf('info', 'debug') },
 *   defaults: { level: 'info' },
 *   async around(next, { method, options }) {
 *     console[options.level](`${method} begins`);
 *     return await next();
 *   },
 * });
 *
 * class Shop {
 *   \@log({ level: 'debug' })
 *   async buy(item: string): Promise<Receipt> { ... }
 * }
 */
export function definePolicy<
  const All extends Rules = Record<never, never>,
  const Defaults extends DefaultsOf<All> = Record<never, never>,
  State = undefined,
  Counts extends Record<string, number> = Record<string, number>,
>(definition: PolicyDefinition<All, Defaults, State, Counts>): PolicyFactory<Given<All, Defaults>, State>;
export function definePolicy(given: unknown): unknown {
  const definition = readDefinition(given);
  const { kind, stage, options: rules, defaults } = definition;
  // An option without a value is none that is shown.
  const values = Object.fromEntries(Object.entries(defaults).filter(([, value]) => value !== undefined));
  const build = (config: unknown = {}, where: Where): Policy => {
    const options = readOptions<Readonly<Record<string, unknown>>>(where, config, rules, values);
    for (const [name, rule] of Object.entries(rules)) {
      if (options[name] !== undefined || Object.hasOwn(defaults, name)) continue;
      throw wrongOption(where, name, undefined, rule.allowed);
    }
    return policyOf(definition, options, rankOf(`*.${stage}`) + nth * apart, build);
  };
  const nth = define(kind, build);
  return (...config: readonly unknown[]) => policyDecorator(kind, config, 1, (where) => build(config[0], where));
}
