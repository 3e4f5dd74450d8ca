// For the build: what this shares with the main part of opero is all of it then, and so one file.
import '../index.js';
import type { Call } from '../core/call.js';
import { WorkerError } from '../core/errors.js';
import type { ErrorClass } from '../core/matcher.js';
import { isSignal } from '../core/signals.js';
import type { SiteInfo } from '../core/types.js';
import { crossBy } from './cloneable.js';
import { Dispatcher } from './dispatch.js';
import { decodeError, encodeError, lookupBy, ownErrors, referenceBy } from './error-codec.js';
import { type Address, type Failure, Job } from './job.js';
import type { PoolOptions } from './pool.js';
import type { EncodedError, JobMessage, Outcome, Target } from './protocol.js';
import { exportsOf, functionTarget, methodTarget, prototypeOf } from './target.js';

/** What a cpuBound policy asks for. */
export interface RemoteOptions extends PoolOptions {
  readonly module: string;
  readonly maxQueue: number;
  readonly state: readonly string[];
}

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
        ? { fn: await functionTarget(fn, module) }
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
              crossBy(this.#options.runtime),
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
