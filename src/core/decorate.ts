import { ConfigurationError } from './errors.js';
import { intercept, isInterceptor, onConstruction, onStaticDefinition, setOriginal } from './interceptor.js';
import {
  classRecord,
  ensureClassRecord,
  levelsOfClass,
  type MemberRecord,
  memberRecords,
  writeMember,
} from './metadata.js';
import type { Where } from './options.js';
import type { AnyClass, AnyFunction, Member, Placement, Policy } from './types.js';

/** `unknown` for a method whose return type has room for the promise that a decorated method always returns. */
export type Promised<Fn> = Fn extends (...args: never[]) => infer Result
  ? Promise<Awaited<Result>> extends Result
    ? unknown
    : { readonly 'the method must return a promise, as decorated methods always do': Result }
  : never;

// biome-ignore lint/suspicious/noExplicitAny: the constraint of ClassMethodDecoratorContext, which keeps generic methods whole
type Method<This> = (this: This, ...args: any) => unknown;

/**
 * A decorator for methods and classes; it never changes the declared type. The signature for methods is the last one,
 * as the compiler explains only why the last does not fit.
 */
export interface PolicyDecorator {
  <Class extends AnyClass>(type: Class, context: ClassDecoratorContext<Class>): Class;
  <This, Fn extends Method<This>>(method: Fn & Promised<Fn>, context: ClassMethodDecoratorContext<This, Fn>): Fn;
}

type KeyFits<Fn extends AnyFunction, Args extends readonly unknown[]> = ((...args: Args) => string) extends (
  ...args: Parameters<Fn>
) => string
  ? unknown
  : { readonly 'key must take the arguments of the method': Args };

/** A decorator whose `key` must take the arguments of the method. */
export interface LimitingDecorator<Args extends readonly unknown[]> {
  <Class extends AnyClass>(type: Class, context: ClassDecoratorContext<Class>): Class;
  <This, Fn extends Method<This>>(
    method: Fn & Promised<Fn> & KeyFits<Fn, Args>,
    context: ClassMethodDecoratorContext<This, Fn>,
  ): Fn;
}

type Resolved<Fn> = Fn extends (...args: never[]) => infer Result ? Awaited<Result> : never;

/** What may stand in for a method: same arguments, same result, sync or async. */
type StandIn<This, Fn extends AnyFunction> = (
  this: This,
  ...args: Parameters<Fn>
) => Resolved<Fn> | PromiseLike<Resolved<Fn>>;

type MethodNamed<This, Name> = Name extends keyof This ? This[Name] : never;

type AlternativeProblem<This, Fn extends AnyFunction, Each> = Each extends PropertyKey
  ? Each extends keyof This
    ? MethodNamed<This, Each> extends StandIn<This, Fn>
      ? never
      : { readonly 'this alternative has not the signature of the method': Each }
    : { readonly 'the class has no public method of this name': Each }
  : Each extends StandIn<This, Fn>
    ? never
    : { readonly 'this alternative has not the signature of the method': Each };

type FallbackProblem<This, Fn extends AnyFunction, Alternatives extends readonly unknown[], Value> =
  | AlternativeProblem<This, Fn, Alternatives[number]>
  | ([Value] extends [Resolved<Fn>] ? never : { readonly 'value is not what the method returns': Value });

type Unless<Problem> = [Problem] extends [never] ? unknown : Problem;

type ClassNameProblem<Class extends AnyClass, Each> = Each extends PropertyKey
  ? Each extends keyof InstanceType<Class>
    ? InstanceType<Class>[Each] extends AnyFunction
      ? never
      : { readonly 'this alternative is not a method': Each }
    : { readonly 'the class has no public method of this name': Each }
  : never;

/** A decorator whose alternatives are checked against the class and the method. */
export interface FallbackDecorator<Alternatives extends readonly unknown[], Value> {
  <Class extends AnyClass>(
    type: Class & Unless<ClassNameProblem<Class, Alternatives[number]>>,
    context: ClassDecoratorContext<Class>,
  ): Class;
  <This, Fn extends Method<This>>(
    method: Fn & Promised<Fn> & Unless<FallbackProblem<This, Fn, Alternatives, Value>>,
    context: ClassMethodDecoratorContext<This, Fn>,
  ): Fn;
}

type Context = ClassMethodDecoratorContext | ClassDecoratorContext<AnyClass>;

/** What a decorator records. */
export interface Recording {
  readonly policies: readonly Policy[];
  readonly inherit?: boolean | undefined;
}

const isContext = (value: unknown): value is Context =>
  typeof value === 'object' && value !== null && typeof (value as Context).kind === 'string';

/**
 * A decorator that records what `build` makes of its options. `given` are the arguments of the decorator's factory.
 * @throws ConfigurationError when applied to anything but a method or a class, or in the old calling form.
 */
export function policyDecorator<Decorator>(
  name: string,
  given: readonly unknown[],
  build: (where: Where) => Recording | Policy,
): Decorator {
  if (isContext(given[1]))
    throw new ConfigurationError(`@${name} on ${describe(given[1])}: write @${name}(...), with parentheses`);
  const decorator = (value: unknown, context: unknown): unknown => {
    if (!isContext(context)) throw legacyForm(name, value, context);
    const where: Where = { text: `@${name} on ${describe(context)}`, member: context.name };
    if (context.kind !== 'method' && context.kind !== 'class') {
      const problem = `expected a method or a class, got a ${(context as { kind: string }).kind}`;
      throw new ConfigurationError(`${where.text}: ${problem}; policies go on methods`);
    }
    if (context.metadata === undefined) {
      const problem = 'the compiler gives no decorator metadata';
      throw new ConfigurationError(`${where.text}: ${problem}; compile decorators in their 2023-11 form or later`);
    }
    const built = build(where);
    const recording = 'policies' in built ? built : { policies: [built] };
    if (context.kind === 'class') return decorateClass(value as AnyClass, context, recording, where);
    return decorateMethod(value as AnyFunction, context, recording, where);
  };
  return decorator as Decorator;
}

function decorateMethod(
  value: AnyFunction,
  context: ClassMethodDecoratorContext,
  recording: Recording,
  where: Where,
): AnyFunction | undefined {
  if (/Generator/.test(Object.prototype.toString.call(value))) {
    throw new ConfigurationError(`${where.text}: expected a method that returns a promise, got a generator`);
  }
  const { metadata } = context;
  const member: Member = { name: context.name, placement: placementOf(context), holder: metadata };
  const known = memberRecords(metadata, member.placement)?.get(member.name);
  const record: MemberRecord = known ?? { policies: [], inherit: true, entry: value };
  add(record, recording, where);
  if (known !== undefined && isInterceptor(value)) return undefined;
  record.entry = intercept(member, value);
  if (known === undefined) {
    writeMember(metadata, member.placement, member.name, record);
    hookMember(context, member);
  }
  return record.entry;
}

function decorateClass(
  type: AnyClass,
  { metadata }: ClassDecoratorContext<AnyClass>,
  recording: Recording,
  where: Where,
): AnyClass | undefined {
  const record = ensureClassRecord(metadata);
  add(record, recording, where);
  const bases = levelsOfClass(type).slice(1);
  const hooked = record.hooked || bases.some((level) => level.metadata && classRecord(level.metadata)?.hooked);
  if (hooked) return undefined;
  record.hooked = true;
  return seeConstructions(type);
}

function add(record: { policies: Policy[]; inherit: boolean }, { policies, inherit }: Recording, where: Where): void {
  for (const policy of policies) {
    if (record.policies.some(({ kind }) => kind === policy.kind)) {
      throw new ConfigurationError(`${where.text}: it has a ${policy.kind} policy already; give each kind once`);
    }
    record.policies.push(policy);
  }
  if (inherit === false) record.inherit = false;
}

/** Has the class linked when it is first constructed, or, for a static member, checked when it is defined. */
function hookMember(context: ClassMethodDecoratorContext, member: Member): void {
  if (context.static) {
    context.addInitializer(function () {
      onStaticDefinition(this as unknown as AnyClass, member);
    });
    return;
  }
  const record = ensureClassRecord(context.metadata);
  if (record.hooked) return;
  record.hooked = true;
  context.addInitializer(function () {
    onConstruction(Object.getPrototypeOf(this) as object);
  });
}

/**
 * The class behind a proxy that sees each construction, of subclasses too. Only for a class that has no decorated
 * method, in itself or in a base, whose initializer would see them.
 */
function seeConstructions(type: AnyClass): AnyClass {
  const proxy = new Proxy(type as new (...args: never[]) => object, {
    construct(target, args, newTarget): object {
      onConstruction(newTarget.prototype);
      return Reflect.construct(target, args, newTarget);
    },
  });
  setOriginal(proxy, type);
  Object.defineProperty(type.prototype, 'constructor', { value: proxy, writable: true, configurable: true });
  return proxy;
}

const placementOf = (context: ClassMethodDecoratorContext): Placement => {
  if (context.private) return context.static ? 'private static' : 'private';
  return context.static ? 'static' : 'instance';
};

function describe(context: Context): string {
  const name = context.name === undefined ? '(anonymous)' : String(context.name);
  const isStatic = context.kind !== 'class' && context.static ? 'static ' : '';
  return `${isStatic}${context.kind} \`${name}\``;
}

/** The old form calls with (target, key, descriptor) for a member, and with the class alone for a class. */
function legacyForm(name: string, target: unknown, key: unknown): ConfigurationError {
  const isMember = typeof key === 'string' || typeof key === 'symbol';
  const subject = isMember
    ? `\`${String(key)}\``
    : `\`${typeof target === 'function' ? target.name : String(target)}\``;
  const cure = 'remove "experimentalDecorators": true (and "emitDecoratorMetadata": true) from tsconfig.json';
  return new ConfigurationError(`@${name} on ${subject}: it was called in the old form of decorators; ${cure}`);
}
