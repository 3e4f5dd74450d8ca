import type { Rule } from '../core/options.js';

/** A rule for each option, by its name. */
export type Rules = Readonly<Record<string, Rule>>;

/** What the rule of an option allows. */
type ValueOf<Each> = Each extends { readonly test: (value: unknown) => value is infer Value }
  ? Value
  : Each extends Rule<infer Value>
    ? Value
    : never;

/** Values for some of the options; undefined for one that may be left out and has no value then. */
export type DefaultsOf<All extends Rules> = { readonly [Name in keyof All]?: ValueOf<All[Name]> | undefined };

/**
 * The options as users give them: those with a default may be left out. In one object, as of an intersection the compiler
 * does not see that all of it may be left out, and takes anything.
 */
export type Given<All extends Rules, Defaults> = {
  readonly [Name in Exclude<keyof All, keyof Defaults>]: ValueOf<All[Name]>;
} & { readonly [Name in Extract<keyof All, keyof Defaults>]?: ValueOf<All[Name]> } extends infer Both
  ? { readonly [Name in keyof Both]: Both[Name] }
  : never;

/** The options as the policy finds them, with defaults filled in. */
type Filled<All extends Rules, Defaults> = {
  readonly [Name in keyof All]:
    | ValueOf<All[Name]>
    | (Name extends keyof Defaults ? (undefined extends Defaults[Name] ? undefined : never) : never);
};

/** What is wrong with a state that calls cannot share; nothing with any other. */
type StateProblem<State> = unknown extends State
  ? unknown
  : State extends PromiseLike<unknown>
    ? { readonly 'state must not give a promise, as calls share what it gives': State }
    : unknown;

/**
 * What `around` is told of a call.
 *
 * @example
 * const describe = ({ method, args, attempt }: PolicyCall): string => `${method}(${args.join()}), attempt ${attempt}`;
 */
export interface PolicyCall<
  Options = Readonly<Record<string, unknown>>,
  State = unknown,
  Counts extends Record<string, number> = Record<string, number>,
> {
  /** The arguments of the caller, or what a policy further out put in their place. */
  readonly args: readonly unknown[];
  /** The attempt, from 1; at the stage `'call'` always 1. */
  readonly attempt: number;
  /** The signal that ends the call; undefined when nobody can cancel. */
  readonly signal: AbortSignal | undefined;
  /** The method for people, as `'Weather.forecast'`; in an `Orchestrator` the name of the function. */
  readonly method: string;
  /** The receiver: `this` in the method. */
  readonly self: unknown;
  /** The options of the policy, defaults filled in. */
  readonly options: Options;
  /** What `state` made for this method of this class, this instance with `scope: 'instance'`, this key with `key`. */
  readonly state: State;
  /** The counts of this kind of policy for the method, to be counted up; `statsOf(...).custom` shows them. */
  readonly stats: Counts;
}

/**
 * What `definePolicy` takes.
 *
 * @example
 * const definition: PolicyDefinition = { kind: 'patience', stage: 'attempt', around: async (next) => next() };
 */
export interface PolicyDefinition<
  All extends Rules = Rules,
  Defaults = DefaultsOf<All>,
  State = unknown,
  Counts extends Record<string, number> = Record<string, number>,
> {
  /** The name of the policy, which is its key in `@orchestrate` too; none of opero's own. */
  readonly kind: string;
  /**
   * Where it stands. `'call'`: around everything but the fallback, once per call; `'attempt'`: around each attempt, outside
   * the limits, whose waits it sees; `'method'`: right around the method, inside the limits, save rate limits in a store.
   */
  readonly stage: 'call' | 'attempt' | 'method';
  /** The options that the policy takes: a rule for each. Default: none. */
  readonly options?: All & Rules; // with Rules, so that the parameter of a test written in place has a type
  /** What options are where they are not given; undefined makes one optional. An option without default must be given. */
  readonly defaults?: Defaults;
  /** Makes what calls share: one object per method and concrete class, and for each `key`, or each instance, if asked for. No promise. */
  readonly state?: () => State & StateProblem<State>;
  /** The names of what it counts, each with where it begins. Default: none, and it may count by any name, from 0 on. */
  readonly stats?: Counts;
  /**
   * Runs instead of what it surrounds, which `next` calls: with the same arguments, or with others. It may be called never,
   * or several times. What `around` gives or throws is what came of the call, or of the attempt.
   */
  readonly around: (
    next: (args?: readonly unknown[]) => Promise<unknown>,
    call: PolicyCall<Filled<All, Defaults>, State, Counts>,
  ) => unknown;
}
