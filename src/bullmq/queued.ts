import { randomUUID } from 'node:crypto';
import type { Call } from '../core/call/call.js';
import { Deadlines } from '../core/call/deadlines.js';
import { isErrorClass } from '../core/call/matcher.js';
import type { Policy, SiteInfo } from '../core/call/policy.js';
import { signalOf } from '../core/call/signals.js';
import { type Around, admitted, type Step } from '../core/call/step.js';
import { factsOf } from '../core/call/tell.js';
import { policyDecorator } from '../core/decoration/decorate.js';
import type { PolicyDecorator } from '../core/decoration/decorator-types.js';
import { ConfigurationError } from '../core/errors.js';
import {
  anything,
  durationOrInfinity,
  fixed,
  positiveInteger,
  type Rule,
  readOptions,
  type Where,
  wrongOption,
} from '../core/options.js';
import type { ErrorClass } from '../core/types.js';
import { define } from '../policies/defined.js';
import { rankOf } from '../policies/order.js';
import type { QueuedOptions } from '../policies/queued-options.js';
import { type JobStats, jobStatsOf } from '../telemetry/jobs.js';
import { callerFrames } from '../workers/caller-frames.js';
import { type ConnectionSource, requireConnection } from './connection.js';
import { jobDataOf } from './job-data.js';
import { decodeFailure, decodeResult, type Terms } from './message.js';
import { PendingCall } from './pending-call.js';
import { type QueueClient, queueOf } from './queue-client.js';
import { isInJobOf, queueKey } from './scope.js';

/**
 * Options of `@queued`. Methods with the same name share a queue.
 *
 * @example
 * const config: QueuedConfig = { name: 'crm', connection: { host: 'localhost', port: 6379 }, maxWait: 60_000 };
 */
export interface QueuedConfig extends QueuedOptions {
  /** How Redis is reached: options, a URL, a client, or a function that gives one of these at the first call. Required. */
  readonly connection: ConnectionSource;
}

/** The options as they are shown; a connection may hold a password. */
interface Filled {
  readonly name: string;
  readonly prefix: string;
  readonly maxWait: number;
  readonly maxBytes: number;
  readonly errors: readonly ErrorClass[];
}

const name: Rule = {
  allowed: 'a name without a colon',
  test: (value) => typeof value === 'string' && value !== '' && !value.includes(':'),
};

const rules = {
  name: fixed(name),
  // Tested where it is read.
  connection: fixed(anything),
  maxWait: durationOrInfinity,
  maxBytes: positiveInteger,
  errors: {
    allowed: 'an array of error classes',
    test: (value: unknown) => Array.isArray(value) && value.every(isErrorClass),
  },
  prefix: fixed({ allowed: 'a text', test: (value: unknown) => typeof value === 'string' && value !== '' }),
} satisfies Record<string, Rule>;

const defaults: Partial<Filled> = {
  maxWait: Number.POSITIVE_INFINITY,
  maxBytes: 2 ** 20,
  errors: [],
  prefix: 'bull',
};

/** How the queue of a policy is reached, by its options. */
const sources = new WeakMap<object, ConnectionSource>();

/** A policy of `@queued`, and how its queue is reached. */
export interface QueuedPolicy extends Policy {
  readonly options: Filled;
}

/** How the queue of a policy is reached. */
export const sourceOf = ({ options }: QueuedPolicy): ConnectionSource => sources.get(options) as ConnectionSource;

/** The policy of `@queued` among those in force on a method. */
export const queuedAmong = (policies: readonly Policy[]): QueuedPolicy | undefined =>
  policies.find((each): each is QueuedPolicy => each.kind === 'queued');

/** The queue that jobs of a policy go into. */
export const queueFor = (policy: QueuedPolicy): QueueClient =>
  queueOf(policy.options.name, policy.options.prefix, sourceOf(policy));

/** The terms on which what a method takes and gives travels. */
export const termsOf = ({ label, policies }: SiteInfo, { options }: QueuedPolicy): Terms => ({
  label,
  maxBytes: options.maxBytes,
  classes: policies.flatMap(({ errorClasses = [] }) => errorClasses),
});

/** The counts of the jobs of a method in the queue of a policy. */
export const statsFor = (policy: QueuedPolicy, site: SiteInfo): JobStats =>
  jobStatsOf({ queue: policy.options.name, ...factsOf(site, undefined) });

/** Tells the jobs of this process from those of others. */
const own = randomUUID();
let jobs = 0;

/** Sends the calls of a method to a queue. */
class Sender {
  readonly #policy: QueuedPolicy;
  readonly #site: SiteInfo;
  readonly #around: Around;
  readonly #terms: Terms;
  readonly #deadlines: Deadlines | undefined;
  /** Looked up by the first call: by then the class has its name. */
  #stats: JobStats | undefined;

  constructor(policy: QueuedPolicy, site: SiteInfo, around: Around) {
    this.#policy = policy;
    this.#site = site;
    this.#around = around;
    this.#terms = termsOf(site, policy);
    const { maxWait } = policy.options;
    if (maxWait < Number.POSITIVE_INFINITY) this.#deadlines = new Deadlines(maxWait);
  }

  /** Begins with a call at once. Rejects as the method does, with a JobError, or with what turns the call away. */
  async run(call: Call): Promise<unknown> {
    const { start } = this.#around;
    const refusal = start === undefined ? admitted : start.recheck(call);
    if (refusal !== admitted) throw refusal;
    if (call.aborted) throw call.reason;
    const queue = queueFor(this.#policy);
    const governing = signalOf(call.args, this.#site.signalAt);
    const data = jobDataOf(call, this.#site, this.#terms, governing);
    // A getter among the arguments may have aborted the call.
    if (call.aborted) throw call.reason;
    this.#stats ??= statsFor(this.#policy, this.#site);
    const pending = new PendingCall(queue, call, this.#site, `${own}-${++jobs}`, this.#stats, data, (ended) => {
      this.#deadlines?.remove(ended);
      queue.forget(ended);
    });
    pending.begin(start);
    this.#deadlines?.add(pending);
    queue.send(pending);
    try {
      const outcome = await pending.outcome;
      if ('error' in outcome) throw decodeFailure(outcome.error, this.#terms, callerFrames(new Error().stack));
      const value = decodeResult(outcome.value, this.#terms.label);
      pending.ended(undefined, false);
      pending.attempt?.succeed(value);
      return value;
    } catch (error) {
      pending.ended(error, true);
      pending.attempt?.fail(error);
      throw error;
    }
  }
}

/** The policy for the options. */
function queuedPolicy(given: unknown, where: Where): QueuedPolicy {
  if (where.classless) throw new ConfigurationError(`${where.text}: queued goes on methods, as a job names one`);
  const { connection, ...read } = readOptions<Filled & { readonly connection?: unknown }>(
    where,
    given,
    rules,
    defaults,
  );
  if (read.name === undefined) throw wrongOption(where, 'name', undefined, name.allowed);
  const source = (where.over && sources.get(where.over)) ?? requireConnection(connection, where);
  const options: Filled = Object.freeze(read);
  sources.set(options, source);
  const queue = queueKey(options.prefix, options.name);

  const wrap = (around: Around, site: SiteInfo): Step => {
    const sender = new Sender(policy, site, around);
    return {
      admit: function queued(call) {
        if (isInJobOf(queue)) return admitted;
        return sender.run(call).then(
          (value) => around.ok(value, call),
          (error) => around.fail(error, call),
        );
      },
    };
  };

  const policy: QueuedPolicy = {
    kind: 'queued',
    options,
    errorClasses: options.errors,
    excludes: 'cpuBound',
    steps: [{ rank: rankOf('queued'), wrap }],
    verify(site) {
      if (!site.policies.some(({ kind }) => kind === 'cpuBound')) return;
      const cure = 'it can have one of the two; `inherit: false` cuts off what is inherited';
      throw new ConfigurationError(`@queued on ${site.label}: it has cpuBound too; ${cure}`);
    },
  };
  return policy;
}

define('queued', queuedPolicy);

/**
 * Runs the method as a BullMQ job, in whichever process serves it; retry, fallback and limits stay with the caller. A job
 * runs at least once: twice, where its worker died or hung in the middle.
 *
 * @param config `name` of the queue, `connection`, `maxWait` (Infinity), `maxBytes` (1 MB), `errors` (none), `prefix`
 * (`'bull'`).
 * @throws ConfigurationError at decoration, when an option is wrong.
 * @throws JobError from the call, where the job did not come to an end of its own: see its `reason`.
 * @throws RejectedError from the call, over `maxWait`.
 * @example
 * class Crm {
 *   \@queued({ name: 'crm', connection: { host: 'localhost', port: 6379 } })
 *   async sync(tenant: string): Promise<number> { ... }
 * }
 */
export function queued(...given: [config: QueuedConfig]): PolicyDecorator {
  return policyDecorator('queued', given, 1, (where) => queuedPolicy(given[0], where));
}
