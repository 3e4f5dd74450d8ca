import { MessageChannel } from 'node:worker_threads';
import { isPlain } from '../core/decoration/lookup.js';
import { type ClassInChain, chainOfClass, chainOfPrototype, isHidden } from '../core/decoration/metadata.js';
import { labelOf } from '../core/decoration/site.js';
import { WorkerError } from '../core/errors.js';
import type { Member } from '../core/member.js';
import type { AnyClass, AnyFunction } from '../core/types.js';
import type { Exports, FunctionTarget, MethodTarget, Whereabouts } from './protocol.js';
import { classShape, functionShape, nameOf } from './shape.js';

export const prototypeOf = (self: unknown): object | null =>
  self === undefined || self === null ? null : (Object.getPrototypeOf(self) as object | null);

/** What a worker is told of a method, so that it finds the code that the receiver has. */
export async function methodTarget(
  self: unknown,
  declaredBy: AnyClass,
  { name, placement }: Member,
  { mark, module, state }: { mark: string; module: string; state: readonly string[] },
): Promise<MethodTarget> {
  const isStatic = placement.endsWith('static');
  const { levels, at } = levelsOf(self, declaredBy, isStatic);
  const exports = at > 0 ? await exportsOf(module) : {};
  const travelling = { static: isStatic ? state : [], instance: isStatic ? [] : state };
  const subclasses = levels.slice(0, at);
  return {
    mark,
    name: String(name),
    placement,
    declaredBy: nameOf(declaredBy),
    standIns: subclasses.flatMap(({ type }, index) => {
      const mayRun = overridden(levels, index, travelling) === undefined;
      return mayRun ? (whereaboutsOfClass(type as AnyClass, declaredBy, exports) ?? []) : [];
    }),
    overridden: overridden(levels, at, travelling),
    beyond: subclasses.flatMap(({ type, prototype }) =>
      Reflect.ownKeys((isStatic ? type : prototype) ?? {}).map(String),
    ),
  };
}

/** The classes of a receiver, and which of them carries the decorator. */
function levelsOf(self: unknown, declaredBy: AnyClass, isStatic: boolean) {
  const all: readonly ClassInChain[] = isStatic
    ? chainOfClass((typeof self === 'function' ? self : declaredBy) as unknown as AnyClass)
    : chainOfPrototype(prototypeOf(self) ?? (declaredBy.prototype as object));
  // What one object has of its own calls what its class has.
  const levels = all.filter(({ prototype }) => prototype === undefined || !isHidden(prototype));
  const at = levels.findIndex((level) => level.type === declaredBy);
  return { levels, at: Math.max(0, at) };
}

/** Throws where the code of a base is called by `super`, of an override without policies: a worker would find that. */
export function requireCode(self: unknown, declaredBy: AnyClass, { name, placement }: Member): void {
  const isStatic = placement.endsWith('static');
  const { levels, at } = levelsOf(self, declaredBy, isStatic);
  const plain = levels.slice(0, at).find((level) => isPlain(level, placement, name, levels))?.type;
  if (plain === undefined) return;
  const problem = 'it has no policies, so the code of its base cannot be called in a worker from there';
  const cure = isStatic ? 'decorate it' : `decorate it, or call register(${nameOf(plain)})`;
  throw new WorkerError(`${labelOf(plain, name)}: ${problem}; ${cure}`);
}

/** The name under which a module exports something. */
const exportName = (value: object, exports: Exports): string | undefined =>
  Object.keys(exports).find((name) => exports[name] === value);

/**
 * Where a subclass is; undefined where a worker would not find it. Its code alone does not tell it from another one of
 * the same factory; where the module as it is imported here has the base, but not the subclass, a worker has not either.
 */
function whereaboutsOfClass(type: AnyClass, base: AnyClass, exports: Exports): Whereabouts | undefined {
  const name = exportName(type, exports);
  if (name !== undefined) return { export: name };
  return exportName(base, exports) === undefined ? { shape: classShape(type, base) as string } : undefined;
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

/** What every class has of its own, on its side for instances and on that of the class. */
const fixed: Readonly<Record<'instance' | 'static', readonly PropertyKey[]>> = {
  instance: ['constructor'],
  static: ['prototype', 'length', 'name', 'arguments', 'caller', Symbol.metadata],
};

/**
 * What the first classes of a chain define again of what the others define, so that the others would run other code;
 * undefined for nothing. What travels is no matter.
 */
function overridden(
  levels: readonly ClassInChain[],
  count: number,
  travelling: Readonly<Record<'static' | 'instance', readonly PropertyKey[]>>,
): string | undefined {
  const sides = {
    instance: [...levels.map(({ prototype }) => prototype), Object.prototype],
    static: [...levels.map(({ type }) => type), Function.prototype, Object.prototype],
  };
  for (const side of ['instance', 'static'] as const) {
    const [own, base] = [sides[side].slice(0, count), sides[side].slice(count)].map((owners) =>
      owners.flatMap((owner) => Reflect.ownKeys(owner ?? {})),
    ) as [PropertyKey[], PropertyKey[]];
    const known = new Set(base);
    const found = own.find((key) => known.has(key) && !fixed[side].includes(key) && !travelling[side].includes(key));
    if (found !== undefined) return `${side === 'static' ? 'static ' : ''}${String(found)}`;
  }
  return undefined;
}

/** How long to wait for a module that is still being evaluated, in milliseconds. */
const patience = 200;
const loaded = new Map<string, Exports>();
const searches = new Map<string, Promise<Exports>>();

/**
 * The exports of a module, which is loaded here already as a rule. One that still evaluates, and waits for this very
 * call at its top level, cannot be had: its classes count as not found until it is done. It is waited for only once.
 */
export function exportsOf(module: string): Exports | Promise<Exports> {
  const known = loaded.get(module) ?? searches.get(module);
  if (known !== undefined) return known;
  const search = lookFor(module);
  searches.set(module, search);
  return search;
}

async function lookFor(module: string): Promise<Exports> {
  const loading = import(module).catch(() => ({})) as Promise<Exports>;
  loading.then((exports) => loaded.set(module, exports));
  const givesUpAt = performance.now() + patience;
  do {
    await nextTurn();
  } while (!loaded.has(module) && performance.now() < givesUpAt);
  return loaded.get(module) ?? {};
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
