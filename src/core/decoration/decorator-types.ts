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
> = Second extends AnyContext ? unknown : Problem;

/**
 * What the overload for `@retry` without parentheses gives beside its message. The compiler also takes that overload for
 * the result of a call with wrong options, where no context is given. There it is a decorator, so that the options are all
 * that is wrong.
 */
export type WithoutContext<Second> = [Second] extends [AnyContext] ? unknown : AnyDecorator;

/** Fits any member, and has a name, so that editors show it in one word. */
type AnyDecorator = <Subject>(subject: Subject, context: unknown) => Subject;

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
  <Class extends Constructor>(
    type: Class,
    context: ClassContext,
  ): Decorated<Class, ClassProblem<Class['prototype'], Needs>>;
  <This, Fn extends Method<This>, Name>(
    method: Fn,
    context: ClassMethodDecoratorContext<This, Fn> & { readonly name: Name },
  ): Decorated<Fn, PromiseProblem<Fn> | Problem<This, Fn, Name, Needs>>;
} & OnOthers;
