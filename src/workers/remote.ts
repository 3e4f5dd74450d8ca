import type { Call } from '../core/call/call.js';
import type { SiteInfo } from '../core/call/policy.js';
import type { SignalPlace } from '../core/call/signal-place.js';
import { indexOfLast, isSignal } from '../core/call/signals.js';
import type { Start } from '../core/call/step.js';
import { WorkerError } from '../core/errors.js';
import { callerFrames } from './caller-frames.js';
import { crossBy } from './cloneable.js';
import { Dispatcher } from './dispatch.js';
import { bareClasses, ErrorClasses, type Listed, listedBy } from './error-classes.js';
import { decodeError, encodeError } from './error-codec.js';
import { type Failure, Job } from './job.js';
import type { PoolOptions } from './pool-options.js';
import { isBundled, programUrl } from './program.js';
import type { ClassReference, EncodedError, Exports, JobMessage, Outcome, Target } from './protocol.js';
import { exportsOf, functionTarget, methodTarget, prototypeOf, requireCode } from './target.js';

/** What a cpuBound policy asks for. */
export interface RemoteOptions extends PoolOptions {
  readonly module: string;
  readonly maxQueue: number;
  readonly state: readonly string[];
}

const bundled =
  'opero is a part of your bundle, where no worker finds it; keep it outside, as a package (esbuild: `--packages=external`)';

const dispatchers = new Map<string, Dispatcher>();
/** Those that are ending, with the promise of it. */
const closing = new Map<Dispatcher, Promise<void>>();

function dispatcherFor(asked: RemoteOptions, label: string): Dispatcher {
  const { maxWorkers, minWorkers, idleTimeout, runtime, resourceLimits } = asked;
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
    // Whatever has the name of the file for workers there would be taken for it, be it the program itself.
    if (isBundled()) throw new WorkerError(`${label}: ${bundled}`);
    found = new Dispatcher(options);
    dispatchers.set(key, found);
  }
  return found;
}

/**
 * Lets running and queued calls end, then ends all workers. Calls made from now on start new ones. At the signal those
 * that have not ended fail, with its reason as the words for it.
 */
export async function closeAll(over: AbortSignal): Promise<void> {
  for (const dispatcher of dispatchers.values()) {
    closing.set(
      dispatcher,
      dispatcher.close().finally(() => closing.delete(dispatcher)),
    );
  }
  dispatchers.clear();
  const ending = [...closing.keys()];
  const force = (): void => {
    for (const dispatcher of ending) dispatcher.force(String(over.reason));
  };
  if (over.aborted) force();
  else over.addEventListener('abort', force, { once: true });
  await Promise.all(closing.values());
}

/** How a method's calls travel; one per method and concrete class. */
export class Remote {
  readonly #site: SiteInfo;
  readonly #options: RemoteOptions;
  readonly #mark: string;
  #dispatcher: Dispatcher | undefined;
  readonly #targets = new WeakMap<object, string | Promise<string>>();
  readonly #listed: Listed;

  constructor(site: SiteInfo, options: RemoteOptions, mark: string) {
    this.#site = site;
    this.#options = options;
    this.#mark = mark;
    this.#listed = listedBy(site);
  }

  /** Runs a call in a worker. Rejects as the method does, with a WorkerError, or with what turns it away at its start. */
  async run(call: Call, atStart?: Start): Promise<unknown> {
    const { module, maxQueue } = this.#options;
    const message = this.#messageOf(call);
    const target = call.error === undefined ? this.#targetOf(call) : this.#withError(call, message);
    if (this.#dispatcher === undefined || this.#dispatcher.isClosing) {
      this.#dispatcher = dispatcherFor(this.#options, this.#site.label);
    }
    const job = new Job(call, this.#site, module, target, message, atStart);
    try {
      const value = await this.#outcomeOf(await this.#dispatcher.run(job, maxQueue));
      job.attempt?.succeed(value);
      return value;
    } catch (error) {
      job.attempt?.fail(error);
      throw error;
    }
  }

  async #outcomeOf(outcome: Outcome | Failure): Promise<unknown> {
    if ('value' in outcome) return outcome.value;
    if ('failure' in outcome) throw workerError(outcome.failure, await this.#causeOf(outcome));
    if ('thrown' in outcome) throw await this.#decode(outcome.thrown, callerFrames(new Error().stack));
    throw workerError(outcome.problem, outcome.cause && decodeError(outcome.cause, bareClasses, ''));
  }

  /** The target of a call as JSON; a promise of it while it is looked for. */
  #targetOf(call: Call): string | Promise<string> {
    const { member } = this.#site;
    const key =
      member === undefined ? call.fn : member.placement.endsWith('static') ? call.self : prototypeOf(call.self);
    if (key === null || (typeof key !== 'object' && typeof key !== 'function')) return this.#findTarget(call);
    let found = this.#targets.get(key);
    if (found === undefined) {
      const declaredBy = this.#site.declaredBy('cpuBound');
      if (member !== undefined && declaredBy !== undefined) requireCode(call.self, declaredBy, member);
      const finding = this.#findTarget(call);
      found = finding;
      this.#targets.set(key, finding);
      finding.then(
        (target) => this.#targets.set(key, target),
        () => this.#targets.delete(key),
      );
    }
    return found;
  }

  async #findTarget({ fn, self }: Call): Promise<string> {
    const { member, label } = this.#site;
    const { module, state } = this.#options;
    const declaredBy = this.#site.declaredBy('cpuBound');
    const code: Pick<Target, 'fn' | 'method'> =
      member === undefined || declaredBy === undefined
        ? { fn: await functionTarget(fn, module) }
        : { method: await methodTarget(self, declaredBy, member, { mark: this.#mark, module, state }) };
    return JSON.stringify({ module, label, program: programUrl(), ...code });
  }

  /** Adds the error that led to a call to its message, once the exports that may name its class are there. */
  #withError(call: Call, message: JobMessage): string | Promise<string> {
    const { module, runtime } = this.#options;
    const target = this.#targetOf(call);
    const add = (exports: Exports): typeof target => {
      const known = new ErrorClasses(this.#listed, exports);
      Object.assign(message, { error: encodeError(call.error, known, crossBy(runtime)) });
      return target;
    };
    const exports = exportsOf(module);
    if (!(exports instanceof Promise)) return add(exports);
    const added = exports.then(add);
    // For a job that is not sent, nobody asks.
    added.catch(() => {});
    return added;
  }

  #messageOf({ self, args, attempt, hedge }: Call): JobMessage {
    const { state } = this.#options;
    const message = {
      state: fieldsOf(self, state),
      args: withoutSignal(args, this.#site.signalAt),
      attempt,
      error: undefined,
    };
    const shadows = shadowsOf(self, state);
    if (shadows === undefined && hedge === 0) return message;
    return { ...message, ...(shadows && { shadows }), ...(hedge > 0 && { hedge }) };
  }

  #causeOf({ error, thrown }: Failure): unknown {
    return thrown === undefined ? error : this.#decode(thrown, '');
  }

  /** The error again, as an instance of its own class. */
  async #decode(encoded: EncodedError, callers: string): Promise<unknown> {
    const exports = needsExports(encoded, this.#listed) ? await exportsOf(this.#options.module) : {};
    return decodeError(encoded, new ErrorClasses(this.#listed, exports), callers);
  }
}

/** The fields of `this` that travel; those of a class too, in a static method. */
function fieldsOf(self: unknown, listed: readonly string[]): Record<string, unknown> | undefined {
  if (listed.length === 0 || self === null || (typeof self !== 'object' && typeof self !== 'function'))
    return undefined;
  return Object.fromEntries(
    listed.filter((name) => name in self).map((name) => [name, Reflect.get(self, name) as unknown]),
  );
}

/** The other fields, where they stand before a member of the prototype; but for its own methods, bound to the object. */
function shadowsOf(self: unknown, listed: readonly string[]): readonly string[] | undefined {
  const prototype = typeof self === 'object' ? prototypeOf(self) : null;
  if (prototype === null) return undefined;
  let found: string[] | undefined;
  // An array has more names of its own than its prototype has.
  const isLong = Array.isArray(self) || ArrayBuffer.isView(self);
  for (const key of isLong ? namesOf(prototype) : Object.getOwnPropertyNames(self)) {
    if (!(key in prototype) || listed.includes(key) || !Object.hasOwn(self as object, key)) continue;
    const value: unknown = Object.getOwnPropertyDescriptor(self, key)?.value;
    if (typeof value === 'function' && value.name === `bound ${key}`) continue;
    found ??= [];
    found.push(key);
  }
  return found;
}

/** The names of the members that an object of this prototype has. */
function namesOf(prototype: object): Set<string> {
  const names = new Set<string>();
  for (let each: object | null = prototype; each !== null; each = Object.getPrototypeOf(each)) {
    for (const name of Object.getOwnPropertyNames(each)) names.add(name);
  }
  return names;
}

/** The arguments without the signal that governs the call: it cannot be cloned, and an abort stops the worker anyway. */
function withoutSignal(args: readonly unknown[], at: SignalPlace | undefined): readonly unknown[] {
  const index = at?.argument ?? indexOfLast(args);
  const name = at === undefined ? 'signal' : at.name;
  const given = args[index];
  if (isSignal(given)) return at === undefined ? args.slice(0, index) : args.with(index, undefined);
  // What a class has by a getter, as Request does, is no field that would be cloned.
  if (name === undefined || typeof given !== 'object' || given === null || !Object.hasOwn(given, name)) return args;
  if (!isSignal(Reflect.get(given, name))) return args;
  const { [name]: _, ...rest } = given as Record<PropertyKey, unknown>;
  return args.with(index, rest);
}

/** Whether the exports are needed to find a class. */
function needsExports(encoded: EncodedError, listed: Listed): boolean {
  if (encoded.kind !== 'error') return false;
  const { classes, cause, errors = [] } = encoded;
  const isExported = (each: ClassReference): boolean =>
    'exported' in each && each.exported !== undefined && !(each.key !== undefined && listed.has(each.key));
  const inner = cause === undefined ? errors : [cause, ...errors];
  return classes.some(isExported) || inner.some((each) => needsExports(each, listed));
}

const workerError = (message: string, cause: unknown): WorkerError =>
  new WorkerError(message, cause === undefined ? undefined : { cause });
