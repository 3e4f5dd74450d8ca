import { MessageChannel } from 'node:worker_threads';
import { type Call, isSignal } from '../core/call.js';
import * as errors from '../core/errors.js';
import { WorkerError } from '../core/errors.js';
import type { ErrorClass } from '../core/matcher.js';
import { type Level, levelsOfClass, levelsOfPrototype } from '../core/metadata.js';
import type { AnyClass, SiteInfo } from '../core/types.js';
import { Dispatcher } from './dispatch.js';
import { decodeError, encodeError, lookupBy, referenceBy } from './error-codec.js';
import { type Address, Job } from './job.js';
import type { PoolOptions } from './pool.js';
import type { EncodedError, JobMessage, MethodTarget, Target } from './protocol.js';
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
  readonly #targets = new WeakMap<object, Address>();
  readonly #listed: readonly ErrorClass[];

  constructor(site: SiteInfo, options: RemoteOptions, ordinal: number) {
    this.#site = site;
    this.#options = options;
    this.#ordinal = ordinal;
    this.#listed = [...ownErrors, ...site.policies.flatMap(({ errorClasses = [] }) => errorClasses)];
  }

  /** Runs a call in a worker. Rejects as the method does, or with a WorkerError. */
  async run(call: Call): Promise<unknown> {
    const job = new Job(call, this.#site, this.#targetOf(call), this.#messageOf(call));
    if (this.#dispatcher === undefined || this.#dispatcher.isClosing) this.#dispatcher = dispatcherFor(this.#options);
    const outcome = await this.#dispatcher.run(job, this.#options.maxQueue);
    if ('value' in outcome) return outcome.value;
    if ('failure' in outcome) throw workerError(outcome.failure, outcome.error);
    if ('thrown' in outcome) throw await this.#decode(outcome.thrown, callerFrames(new Error().stack));
    throw workerError(outcome.problem, outcome.cause && decodeError(outcome.cause, lookupBy(ownErrors, {}), ''));
  }

  #targetOf(call: Call): Address {
    const { member, label } = this.#site;
    const declaredBy = this.#site.declaredBy('cpuBound');
    const key =
      member === undefined ? call.fn : member.placement.endsWith('static') ? call.self : prototypeOf(call.self);
    const known = typeof key === 'object' || typeof key === 'function' ? this.#targets.get(key as object) : undefined;
    if (known !== undefined) return known;
    const target: Target = {
      module: this.#options.module,
      label,
      ...(member === undefined || declaredBy === undefined
        ? { fn: { name: call.fn.name, shape: functionShape(call.fn) } }
        : { method: methodTarget(call, declaredBy, member, this.#ordinal) }),
    };
    const address: Address = { module: target.module, label, json: JSON.stringify(target) };
    if (key !== null && (typeof key === 'object' || typeof key === 'function')) this.#targets.set(key, address);
    return address;
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

function methodTarget(
  { self }: Call,
  declaredBy: AnyClass,
  { name, placement }: NonNullable<SiteInfo['member']>,
  ordinal: number,
): MethodTarget {
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
    shape: concrete && classShape(concrete, declaredBy),
    baseWillDo: !overrides(levels.slice(0, Math.max(at, 0)), levels.slice(Math.max(at, 0)), isStatic),
  };
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
