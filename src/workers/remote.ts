import { serialize } from 'node:v8';
import { MessageChannel } from 'node:worker_threads';
import { type Call, isSignal } from '../core/call.js';
import * as errors from '../core/errors.js';
import { WorkerError } from '../core/errors.js';
import type { ErrorClass } from '../core/matcher.js';
import { type Level, levelsOfClass, levelsOfPrototype } from '../core/metadata.js';
import type { AnyClass, AnyFunction, SiteInfo } from '../core/types.js';
import { Dispatcher } from './dispatch.js';
import { decodeError, encodeError, lookupBy, referenceBy } from './error-codec.js';
import { type Address, type Failure, Job } from './job.js';
import type { PoolOptions } from './pool.js';
import type { EncodedError, JobMessage, MethodTarget, Outcome, Target, Whereabouts } from './protocol.js';
import { classShape, functionShape } from './shape.js';

/** What a cpuBound policy asks for. */
export interface RemoteOptions extends PoolOptions {
  readonly module: string;
  readonly maxQueue: number;
  readonly state: readonly string[];
}

const ownErrors = Object.values(errors) as unknown as readonly ErrorClass[];
const dispatchers = new Map<string, Dispatcher>();
/** Those that are ending. */
const closing = new Set<Promise<void>>();

function dispatcherFor({ maxWorkers, minWorkers, idleTimeout, runtime, resourceLimits }: RemoteOptions): Dispatcher {
  const options: PoolOptions = {
    maxWorkers,
    minWorkers,
    idleTimeout,
    runtime,
    ...(resourceLimits !== undefined && { resourceLimits }),
  };
  const key = JSON.stringify(options);
  let found = dispatchers.get(key);
  if (found === undefined) {
    found = new Dispatcher(options);
    dispatchers.set(key, found);
  }
  return found;
}

/** Lets running and queued calls end, then ends all workers. Calls made from now on start new ones. */
export async function closeAll(): Promise<void> {
  for (const dispatcher of dispatchers.values()) {
    const closed = dispatcher.close().finally(() => closing.delete(closed));
    closing.add(closed);
  }
  dispatchers.clear();
  await Promise.all(closing);
}

/** How a method's calls travel; one per method and concrete class. */
export class Remote {
  readonly #site: SiteInfo;
  readonly #options: RemoteOptions;
  readonly #ordinal: number;
  #dispatcher: Dispatcher | undefined;
  readonly #targets = new WeakMap<object, Address | Promise<Address>>();
  readonly #listed: readonly ErrorClass[];

  constructor(site: SiteInfo, options: RemoteOptions, ordinal: number) {
    this.#site = site;
    this.#options = options;
    this.#ordinal = ordinal;
    this.#listed = [...ownErrors, ...site.policies.flatMap(({ errorClasses = [] }) => errorClasses)];
  }

  /** Runs a call in a worker. Rejects as the method does, or with a WorkerError. */
  async run(call: Call): Promise<unknown> {
    const message = this.#messageOf(call);
    if (this.#dispatcher === undefined || this.#dispatcher.isClosing) this.#dispatcher = dispatcherFor(this.#options);
    const dispatcher = this.#dispatcher;
    let target = this.#targetOf(call);
    let running: Promise<Outcome | Failure>;
    const isReady = dispatcher.expect();
    try {
      if (target instanceof Promise) target = await target;
      running = dispatcher.run(new Job(call, this.#site, target, message), this.#options.maxQueue);
    } finally {
      isReady();
    }
    const outcome = await running;
    if ('value' in outcome) return outcome.value;
    if ('failure' in outcome) throw workerError(outcome.failure, outcome.error);
    if ('thrown' in outcome) throw await this.#decode(outcome.thrown, callerFrames(new Error().stack));
    throw workerError(outcome.problem, outcome.cause && decodeError(outcome.cause, lookupBy(ownErrors, {}), ''));
  }

  #targetOf(call: Call): Address | Promise<Address> {
    const { member } = this.#site;
    const key =
      member === undefined ? call.fn : member.placement.endsWith('static') ? call.self : prototypeOf(call.self);
    if (key === null || (typeof key !== 'object' && typeof key !== 'function')) return this.#findTarget(call);
    let found = this.#targets.get(key);
    if (found === undefined) {
      const finding = this.#findTarget(call);
      found = finding;
      this.#targets.set(key, finding);
      finding.then(
        (address) => this.#targets.set(key, address),
        () => this.#targets.delete(key),
      );
    }
    return found;
  }

  async #findTarget({ fn, self }: Call): Promise<Address> {
    const { member, label } = this.#site;
    const { module } = this.#options;
    const declaredBy = this.#site.declaredBy('cpuBound');
    const code: Pick<Target, 'fn' | 'method'> =
      member === undefined || declaredBy === undefined
        ? { fn: { name: fn.name, at: await whereaboutsOfFunction(fn, module) } }
        : { method: await methodTarget(self, declaredBy, member, this.#ordinal, module) };
    return { module, label, json: JSON.stringify({ module, label, ...code }) };
  }

  #messageOf({ self, args, attempt, error }: Call): JobMessage {
    return {
      state: this.#stateOf(self),
      args: withoutSignal(args),
      attempt,
      error:
        error === undefined
          ? undefined
          : encodeError(
              error,
              referenceBy(this.#listed, () => undefined),
              this.#options.runtime === 'child_process' ? serialize : structuredClone,
            ),
    };
  }

  #stateOf(self: unknown): Record<string, unknown> | undefined {
    const { state } = this.#options;
    if (state.length === 0 || typeof self !== 'object' || self === null) return undefined;
    return Object.fromEntries(
      state.filter((name) => name in self).map((name) => [name, Reflect.get(self, name) as unknown]),
    );
  }

  /** The error again, as an instance of its own class. */
  async #decode(encoded: EncodedError, callers: string): Promise<unknown> {
    const exports = namesModule(encoded) ? await exportsOf(this.#options.module) : {};
    return decodeError(encoded, lookupBy(this.#listed, exports), callers);
  }
}

const prototypeOf = (self: unknown): unknown =>
  self === undefined || self === null ? self : Object.getPrototypeOf(self);

async function methodTarget(
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
const exportName = (value: object, exports: Readonly<Record<string, unknown>>): string | undefined =>
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

/** Where a function is. One that is only like an export by its code may be a closure, unless it has the same name too. */
async function whereaboutsOfFunction(fn: AnyFunction, module: string): Promise<Whereabouts> {
  const exports = await exportsOf(module);
  const name = exportName(fn, exports);
  if (name !== undefined) return { export: name };
  const shape = functionShape(fn);
  const isKnown = Object.keys(exports).length > 0;
  const isAnother = (each: unknown): boolean =>
    typeof each === 'function' && each.name === fn.name && fn.name !== '' && functionShape(each) === shape;
  return !isKnown || Object.values(exports).some(isAnother) ? { shape } : 'nowhere';
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

/** The arguments without the signal that governs the call: it cannot be cloned, and an abort stops the worker anyway. */
function withoutSignal(args: readonly unknown[]): readonly unknown[] {
  const last = args.at(-1);
  if (isSignal(last)) return args.slice(0, -1);
  if (typeof last !== 'object' || last === null || !isSignal((last as { signal?: unknown }).signal)) return args;
  const { signal: _, ...rest } = last as { signal: AbortSignal };
  return [...args.slice(0, -1), rest];
}

const namesModule = (encoded: EncodedError): boolean =>
  encoded.kind === 'error' &&
  (encoded.classes.some(({ from }) => from === 'module') ||
    (encoded.cause !== undefined && namesModule(encoded.cause)) ||
    (encoded.errors?.some(namesModule) ?? false));

/** How long to wait for a module that is still being evaluated, in milliseconds. */
const patience = 200;
const modules = new Map<string, Promise<Readonly<Record<string, unknown>>>>();

/**
 * The exports of a module, which is loaded here already as a rule. One that still evaluates, and waits for this very
 * call at its top level, cannot be had: its classes count as not found.
 */
async function exportsOf(module: string): Promise<Readonly<Record<string, unknown>>> {
  let loading = modules.get(module);
  if (loading === undefined) {
    loading = import(module).catch(() => ({})) as Promise<Readonly<Record<string, unknown>>>;
    modules.set(module, loading);
  }
  let loaded: Readonly<Record<string, unknown>> | undefined;
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

const workerError = (message: string, cause: unknown): WorkerError =>
  new WorkerError(message, cause === undefined ? undefined : { cause });

/** The frames of a stack that are not opero's own. */
function callerFrames(stack: string | undefined): string {
  const frames = (stack ?? '').split('\n').slice(1);
  return frames.filter((frame) => !ownCode.some((folder) => frame.includes(folder))).join('\n');
}

/** Where opero's own code is: as built, and, for stacks through source maps, as written. */
const ownCode = ['../', '../../src/']
  .map((folder) => new URL(folder, import.meta.url))
  .flatMap((url) => [url.href, url.pathname]);
