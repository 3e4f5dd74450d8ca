import { MessageChannel } from 'node:worker_threads';
import { type Level, levelsOfClass, levelsOfPrototype } from '../core/metadata.js';
import type { AnyClass, AnyFunction, SiteInfo } from '../core/types.js';
import type { FunctionTarget, MethodTarget, Whereabouts } from './protocol.js';
import { classShape, functionShape } from './shape.js';

type Exports = Readonly<Record<string, unknown>>;

export const prototypeOf = (self: unknown): unknown =>
  self === undefined || self === null ? self : Object.getPrototypeOf(self);

/** What a worker is told of a method, so that it finds the code that the receiver has. */
export async function methodTarget(
  self: unknown,
  declaredBy: AnyClass,
  { name, placement }: NonNullable<SiteInfo['member']>,
  ordinal: number,
  module: string,
): Promise<MethodTarget> {
  const isStatic = placement.endsWith('static');
  const levels = isStatic
    ? levelsOfClass((typeof self === 'function' ? self : declaredBy) as unknown as AnyClass)
    : levelsOfPrototype((prototypeOf(self) ?? declaredBy.prototype) as object);
  const at = levels.findIndex((level) => level.type === declaredBy);
  const concrete = at > 0 ? levels[0]?.type : undefined;
  return {
    ordinal,
    name: String(name),
    placement,
    subclass: concrete && (await whereaboutsOfClass(concrete, declaredBy, module)),
    baseWillDo: !overrides(levels.slice(0, Math.max(at, 0)), levels.slice(Math.max(at, 0)), isStatic),
  };
}

/** The name under which a module exports something. */
const exportName = (value: object, exports: Exports): string | undefined =>
  Object.keys(exports).find((name) => exports[name] === value);

/**
 * Where a subclass is. Its code alone does not tell it from another one of the same factory; where the module as it is
 * imported here has the base, but not the subclass, a worker would not find it either.
 */
async function whereaboutsOfClass(type: AnyClass, base: AnyClass, module: string): Promise<Whereabouts> {
  const exports = await exportsOf(module);
  const name = exportName(type, exports);
  if (name !== undefined) return { export: name };
  return exportName(base, exports) === undefined ? { shape: classShape(type, base) as string } : 'nowhere';
}

/** What a worker is told of a function. */
export async function functionTarget(fn: AnyFunction, module: string): Promise<FunctionTarget> {
  return { name: fn.name, at: await whereaboutsOfFunction(fn, module) };
}

/** Where a function is. One that is only like an export, by its name and its code, may close over something else. */
async function whereaboutsOfFunction(fn: AnyFunction, module: string): Promise<Whereabouts> {
  const exports = await exportsOf(module);
  const name = exportName(fn, exports);
  if (name !== undefined) return { export: name };
  return Object.keys(exports).length > 0 ? 'nowhere' : { shape: functionShape(fn) };
}

/** Whether subclasses define again what their base defines, so that the base would run other code. */
function overrides(subclasses: readonly Level[], bases: readonly Level[], isStatic: boolean): boolean {
  const keysOf = (levels: readonly Level[]): PropertyKey[] =>
    levels.flatMap(({ type, prototype }) => Reflect.ownKeys((isStatic ? type : prototype) ?? {}));
  const fixed: readonly PropertyKey[] = ['constructor', 'prototype', 'length', 'name', Symbol.metadata];
  const own = keysOf(subclasses).filter((key) => !fixed.includes(key));
  const base = new Set(keysOf(bases));
  return own.some((key) => base.has(key));
}

/** How long to wait for a module that is still being evaluated, in milliseconds. */
const patience = 200;
const modules = new Map<string, Promise<Exports>>();

/**
 * The exports of a module, which is loaded here already as a rule. One that still evaluates, and waits for this very
 * call at its top level, cannot be had: its classes count as not found.
 */
export async function exportsOf(module: string): Promise<Exports> {
  let loading = modules.get(module);
  if (loading === undefined) {
    loading = import(module).catch(() => ({})) as Promise<Exports>;
    modules.set(module, loading);
  }
  let loaded: Exports | undefined;
  loading.then((exports) => {
    loaded = exports;
  });
  const givesUpAt = performance.now() + patience;
  do {
    await nextTurn();
  } while (loaded === undefined && performance.now() < givesUpAt);
  return loaded ?? {};
}

/** A turn of the event loop, past any fake timers. */
const nextTurn = (): Promise<void> =>
  new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.once('message', () => {
      port1.close();
      resolve();
    });
    port2.postMessage(undefined);
  });
