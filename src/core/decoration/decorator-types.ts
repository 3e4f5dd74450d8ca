import type { ClassProblem, Need, Problem } from './needs.js';
import type { PromiseProblem } from './promise-problem.js';

// biome-ignore lint/suspicious/noExplicitAny: the constraint of ClassMethodDecoratorContext, which keeps generic methods whole
export type Method<This> = (this: This, ...args: any) => unknown;

/** Any class, those with a protected or private constructor included. */
export interface Constructor {
  readonly prototype: object;
}

/** What tells a class; ClassDecoratorContext itself is not to be had for a class without a public constructor. */
export interface ClassContext {
  readonly kind: 'class';
  readonly name: string | undefined;
}

/** Nothing fits where the compiler tells nothing of what is decorated, as with a method whose name is a number. */
type IfKnown<Context> = [Context] extends [never] ? never : unknown;

/**
 * What comes of a decorator: the method or the class, or, where it may not stand there, what is wrong. The compiler
 * shows that in one line, as no member is of that type; of arguments it would go through every overload.
 */
export type Decorated<Subject, Problem> = [Problem] extends [never] ? Subject : Problem;

/** What decorators give for members that cannot have policies. */
export type OnOthers = <Kind extends 'getter' | 'setter' | 'field' | 'accessor'>(
  value: unknown,
  context: { readonly kind: Kind },
) => { readonly 'policies go on methods and classes, not on a member of this kind': Kind };

/** As a decorator of the old form, where methods are told by their descriptors. */
type InOldForm<Needs> = {
  (
    target: object,
    name: PropertyKey | undefined,
    index: number,
  ): { readonly 'policies go on methods and classes, not on a member of this kind': 'parameter' };
  <This, Name extends PropertyKey, Fn>(
    target: This,
    name: Name,
    descriptor: TypedPropertyDescriptor<Fn>,
  ): InPlace<This, Fn, Name, Needs>;
  (
    target: object,
    name: PropertyKey,
  ): { readonly 'policies go on methods and classes, not on a member of this kind': 'field' };
};

/** Nothing, as what stands there is changed in place; or what is wrong. Of `any` nothing is known, as of `MethodDecorator`. */
type InPlace<This, Fn, Name, Needs> = 0 extends 1 & Fn
  ? undefined
  : Fn extends Method<never>
    ? [PromiseProblem<Fn> | Problem<This, Fn, Name, Needs>] extends [never]
      ? undefined
      : PromiseProblem<Fn> | Problem<This, Fn, Name, Needs>
    : { readonly 'policies go on methods and classes, not on a member of this kind': 'accessor' };

/** What tells the context that the compiler gives, to `@retry` in place of `@retry()`. */
interface AnyContext {
  readonly kind: string;
  readonly metadata: unknown;
}

/**
 * What a second argument must be where a factory of decorators takes one at the most: the context of a decorator without
 * parentheses. Anything else is shown with what is wrong.
 */
export type ContextOnly<
  Second,
  Problem = { readonly 'one argument is all it takes': Second },
> = Second extends AnyContext
  ? unknown
  : Second extends PropertyKey
    ? { readonly 'one argument is all it takes; for none, write the parentheses': Second }
    : Problem;

/**
 * What the overload for `@retry` without parentheses gives beside its message. The compiler also takes that overload for
 * the result of a call with wrong options, where no context is given. There it is a decorator, so that the options are all
 * that is wrong.
 */
export type WithoutContext<Second> = [Second] extends [AnyContext] ? unknown : AnyDecorator;

/** Fits any member, in both forms, and has a name, so that editors show it in one word. */
type AnyDecorator = {
  (target: object, name: PropertyKey | undefined, ...rest: unknown[]): void;
  <Subject>(subject: Subject, context?: unknown): Subject;
};

/**
 * A decorator of opero for methods and classes. It never changes the declared type. What it needs of the method, beyond
 * that it returns a promise, is its one parameter: of the arguments, of the result, of the class.
 *
 * @example
 * const patiently: PolicyDecorator = retry({ maxAttempts: 10 });
 * const perTenant: PolicyDecorator<{ option: 'key'; args: [tenant: string] }> = concurrency({
 *   limit: 3,
 *   key: (tenant: string) => tenant,
 * });
 */
export type PolicyDecorator<Needs extends Need = never> = {
  <Class extends Constructor, Context extends ClassContext>(
    type: Class & IfKnown<Context>,
    context?: Context,
  ): Decorated<Class, ClassProblem<Class['prototype'], Needs>>;
  <This, Fn extends Method<This>, Name>(
    method: Fn,
    context: ClassMethodDecoratorContext<This, Fn> & { readonly name: Name },
  ): Decorated<Fn, PromiseProblem<Fn> | Problem<This, Fn, Name, Needs>>;
} & InOldForm<Needs> &
  OnOthers;
