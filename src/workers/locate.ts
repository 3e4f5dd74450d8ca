import { type CurrentCall, enter } from '../core/call/current-call.js';
import type { Policy } from '../core/call/policy.js';
import { behind } from '../core/decoration/interceptor.js';
import {
  asClassInChain,
  type ClassInChain,
  chainOfClass,
  chainOfPrototype,
  classRecord,
  memberRecords,
  recordAt,
} from '../core/decoration/metadata.js';
import { createSite } from '../core/decoration/site.js';
import { link } from '../core/decoration/sites.js';
import type { Placement } from '../core/member.js';
import type { AnyClass, AnyFunction } from '../core/types.js';
import { type Listed, listedBy } from './error-classes.js';
import { guard, lend } from './guard.js';
import type {
  CpuBoundPolicy,
  Exports,
  FunctionTarget,
  JobMessage,
  MethodTarget,
  Target,
  Whereabouts,
} from './protocol.js';
import { classShape, functionShape, nameOf } from './shape.js';

/** The code to run in this worker. */
export interface Located {
  /** Makes the call of a job; `currentCall()` tells of the frame. */
  readonly call: (job: JobMessage, frame: CurrentCall) => Promise<unknown>;
  /** The error classes that the policies of the method name. */
  readonly listed: Listed;
}

/** The target cannot be found; the message is for a WorkerError. */
export class NotFound extends Error {}

const isClass = (value: unknown): value is AnyClass =>
  typeof value === 'function' && typeof (value as { prototype?: unknown }).prototype === 'object';

const classesOf = (exports: Exports): AnyClass[] => [...new Set(Object.values(exports).filter(isClass))];

/** Finds the code of a target among the exports of its module. */
export function locate(target: Target, exports: Exports): Located {
  if (target.method !== undefined) return locateMethod(target, target.method, exports);
  return locateFunction(target, target.fn as FunctionTarget, exports);
}

function locateFunction({ module, label }: Target, { name, at }: FunctionTarget, exports: Exports): Located {
  const fn = findFunction(name, at, exports);
  if (typeof fn === 'function') {
    return { call: ({ args }, frame) => enter(frame, fn as AnyFunction, undefined, args), listed: new Map() };
  }
  const problem =
    typeof exports[name] === 'function'
      ? `the function ${name} is not the one that ${module} exports; give that very one, not one of another copy of the module`
      : `${module} does not export the function ${name || '(anonymous)'}; export it, under any name`;
  throw new NotFound(`${label}: ${problem}`);
}

function findFunction(name: string, at: Whereabouts, exports: Exports): unknown {
  if (at === 'nowhere') return undefined;
  if ('export' in at) return exports[at.export];
  const alike = Object.entries(exports).filter(
    ([, each]) => typeof each === 'function' && functionShape(each) === at.shape,
  );
  return (alike.length === 1 ? alike[0] : alike.find(([exported]) => exported === name))?.[1];
}

function locateMethod(target: Target, method: MethodTarget, exports: Exports): Located {
  const { placement } = method;
  const base = findBase(target, method, exports);
  const concrete = findConcrete(target, method, base.type, exports);
  const isStatic = placement.endsWith('static');
  const levels = isStatic ? chainOfClass(concrete) : chainOfPrototype(concrete.prototype as object);
  const fn = placement.startsWith('private') ? base.privateMethod : findMethod(levels, placement, base.name);
  if (fn === undefined) throw new NotFound(`${target.label}: ${target.module} has no such method in a worker`);
  // As a construction does.
  if (!isStatic) link(levels);
  const holder = asClassInChain(base.type).metadata as object;
  const listed = listedBy(createSite(levels, { name: base.name, placement, holder }));
  const lacks = { allowed: new Set(base.policy.options.state), beyond: new Set(method.beyond), label: target.label };
  const call: Located['call'] = isStatic
    ? ({ state, args }, frame) => {
        const run = (): Promise<unknown> => enter(frame, fn, concrete, args);
        return state === undefined && lacks.beyond.size === 0 ? run() : lend(concrete, state ?? {}, lacks, run);
      }
    : (job, frame) => enter(frame, fn, guard(concrete, job, lacks), job.args);
  return { call, listed };
}

interface Base {
  readonly type: AnyClass;
  readonly name: PropertyKey;
  readonly policy: CpuBoundPolicy;
  readonly privateMethod: AnyFunction | undefined;
}

/** The class that carries the decorator, by the decorator's mark. */
function findBase(target: Target, method: MethodTarget, exports: Exports): Base {
  const { module, label } = target;
  const { mark, name, placement } = method;
  for (const type of classesOf(exports)) {
    const { metadata } = asClassInChain(type);
    // Another class may have the mark, where the method names a module that is not its own.
    if (metadata === undefined || !mayBe(type, method)) continue;
    for (const [key, record] of memberRecords(metadata, placement) ?? []) {
      const policy = policiesFor(record.policies, module).find((each) => each.mark === mark);
      if (policy !== undefined) return { type, name: key, policy, privateMethod: behind(record.entry) };
    }
    const policy = policiesFor(classRecord(metadata)?.policies ?? [], module).find((each) => each.mark === mark);
    if (policy !== undefined) return { type, name: keyNamed(type, name, label), policy, privateMethod: undefined };
  }
  throw new NotFound(`${label}: ${whyMissing(target, method, exports)}`);
}

/** Whether a class has the name that is asked for, in itself or in what it stands for; or one of the two has none. */
const mayBe = (type: AnyClass, { declaredBy }: MethodTarget): boolean =>
  [nameOf(type), declaredBy].includes('') ||
  chainOfClass(type).some((level) => nameOf(level.type as AnyClass) === declaredBy);

function whyMissing({ module }: Target, method: MethodTarget, exports: Exports): string {
  const { declaredBy, name, placement } = method;
  const isMarkedOtherwise = classesOf(exports).some((type) => {
    const { metadata } = asClassInChain(type);
    const record = metadata && memberRecords(metadata, placement)?.get(name);
    return mayBe(type, method) && policiesFor(record?.policies ?? [], module).length > 0;
  });
  if (isMarkedOtherwise) {
    const problem = `${module} defines its classes in another order in a worker, or another module gives its name to @cpuBound`;
    return `${problem}; give each class import.meta.url of the module that it stands in`;
  }
  const problem = `${module} does not export the class ${declaredBy || '(anonymous)'}, which puts the method on a worker`;
  return `${problem}; export it, under any name, so that a worker finds it`;
}

/** The policies that put something of a module on a worker. */
const policiesFor = (policies: readonly Policy[], module: string): CpuBoundPolicy[] =>
  policies.filter(
    (each): each is CpuBoundPolicy =>
      each.kind === 'cpuBound' && (each.options as { module?: string }).module === module,
  );

/** The key that a name stands for: a symbol travels as its description. */
function keyNamed(type: AnyClass, name: string, label: string): PropertyKey {
  const alike = new Set<PropertyKey>();
  for (const { prototype = {} } of chainOfPrototype(type.prototype as object)) {
    for (const key of Reflect.ownKeys(prototype)) {
      const isMethod = typeof Object.getOwnPropertyDescriptor(prototype, key)?.value === 'function';
      if (isMethod && String(key) === name) alike.add(key);
    }
  }
  const [found = name, other] = alike;
  if (other === undefined) return found;
  throw new NotFound(`${label}: ${name} is the name of more than one symbol; give each its own description`);
}

/** The class of the caller's object, or the nearest that may run its call, if the module exports it; else its base. */
function findConcrete(
  target: Target,
  { standIns, overridden }: MethodTarget,
  base: AnyClass,
  exports: Exports,
): AnyClass {
  for (const at of standIns) {
    const found = findSubclass(target, at, base, exports);
    if (isClass(found)) return found;
  }
  if (overridden === undefined) return base;
  const problem = `\`${overridden}\` is overridden by a class that ${target.module} does not export, so a worker would run other code`;
  throw new NotFound(`${target.label}: ${problem}; declare the method there with its own @cpuBound(import.meta.url)`);
}

function findSubclass({ module, label }: Target, at: Whereabouts, base: AnyClass, exports: Exports): unknown {
  if (at === 'nowhere') return undefined;
  if ('export' in at) return exports[at.export];
  const candidates = classesOf(exports).filter((type) => chainOfClass(type).some((level) => level.type === base));
  const alike = candidates.filter((type) => classShape(type, base) === at.shape);
  if (alike.length <= 1) return alike[0];
  const problem = `${module} exports ${alike.length} subclasses with the same code, so a worker cannot tell which one is meant`;
  throw new NotFound(`${label}: ${problem}; declare the method in each with its own @cpuBound(import.meta.url)`);
}

/** The method's own code, behind the interceptor if it has one. */
export function findMethod(
  levels: readonly ClassInChain[],
  placement: Placement,
  name: PropertyKey,
): AnyFunction | undefined {
  for (const level of levels) {
    const record = recordAt(level, placement, name);
    if (record !== undefined) return behind(record.entry);
    const owner = placement === 'static' ? level.type : level.prototype;
    const own: unknown = owner && Object.getOwnPropertyDescriptor(owner, name)?.value;
    if (typeof own === 'function') return behind(own as AnyFunction);
  }
  return undefined;
}
