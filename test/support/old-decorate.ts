/** A decorator of the old form, on a member or on a class. */
// biome-ignore lint/suspicious/noExplicitAny: what compilers hand to decorators
export type OldDecorator = (...args: any[]) => any;

type Decorate = (decorators: readonly OldDecorator[], target: object, key?: PropertyKey) => unknown;

const ofMember = (target: object, key: PropertyKey): PropertyDescriptor | undefined =>
  Object.getOwnPropertyDescriptor(target, key);

/** What compilers, and those that call decorators themselves, do; the last decorator is the innermost. */
export const ways: Readonly<Record<string, Decorate>> = {
  'the helper of TypeScript, esbuild and swc': (decorators, target, key) => {
    let result: unknown = key === undefined ? target : ofMember(target, key);
    for (const each of decorators.toReversed()) {
      result = (key === undefined ? each(result) : each(target, key, result)) ?? result;
    }
    if (key !== undefined && result) Object.defineProperty(target, key, result);
    return result;
  },
  'Reflect.decorate': (decorators, target, key) => {
    let result = key === undefined ? target : ofMember(target, key);
    for (const each of decorators.toReversed()) {
      const given: unknown = key === undefined ? each(result) : each(target, key, result);
      if (given === undefined || given === null) continue;
      if (typeof given !== (key === undefined ? 'function' : 'object')) throw new TypeError();
      result = given;
    }
    if (key !== undefined && result) Object.defineProperty(target, key, result);
    return result;
  },
  'the helper of Babel': (decorators, target, key) => {
    if (key === undefined) return decorators.reduceRight((type, each) => each(type) || type, target);
    const own: PropertyDescriptor = { ...ofMember(target, key) };
    if ('value' in own) own.writable = true;
    const result = decorators.reduceRight((before, each) => each(target, key, before) || before, own);
    Object.defineProperty(target, key, result);
    return result;
  },
  'a decorator that calls several and heeds the descriptor only, as one of Nest': (decorators, target, key) => {
    const descriptor = key === undefined ? undefined : ofMember(target, key);
    for (const each of decorators.toReversed()) each(target, key, descriptor);
    if (key !== undefined && descriptor) Object.defineProperty(target, key, descriptor);
    return target;
  },
  'by hand, without a descriptor': (decorators, target, key) => {
    for (const each of decorators.toReversed()) key === undefined ? each(target) : each(target, key);
    return target;
  },
};

/** Decorates a member, or a class, as TypeScript does. */
export const decorateOld = ways['the helper of TypeScript, esbuild and swc'] as Decorate;
