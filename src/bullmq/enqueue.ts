import type { BackoffOptions } from 'bullmq';
import { signalOf } from '../core/call/signals.js';
import { chainsOf, siteOf, typeOf } from '../core/decoration/lookup.js';
import type { NameOfMethod, UnknownName } from '../core/decoration/method-names.js';
import { labelOf as labelOfSite } from '../core/decoration/site.js';
import { ConfigurationError } from '../core/errors.js';
import { duration, positiveInteger, type Rule, readOptions, show } from '../core/options.js';
import { areJobsTold, tellOfJob } from './events.js';
import { targetOf } from './job-data.js';
import { encodeArgs, labelOf } from './message.js';
import { queuedAmong, queueFor, statsFor, termsOf } from './queued.js';
import { traceHere } from './trace-context.js';

/**
 * Options of `enqueue`.
 *
 * @example
 * const options: EnqueueOptions = { delay: 60_000, id: 'sync-north', attempts: 3, backoff: 1_000 };
 */
export interface EnqueueOptions {
  /** For how many milliseconds the job waits before a worker may take it. Default 0. */
  readonly delay?: number;
  /** The id of the job: while one of this id waits or runs, no other is added. Default: one of its own. */
  readonly id?: string;
  /** How often the job is tried, by BullMQ. Default 1. */
  readonly attempts?: number;
  /** How long BullMQ waits before it tries again: milliseconds, or as BullMQ has it. Default: not at all. */
  readonly backoff?: number | BackoffOptions;
}

const rules = {
  delay: duration,
  id: {
    allowed: 'a text that is no number and has no colon',
    test: (value: unknown) => typeof value === 'string' && value !== '' && !/^\d+$|:/.test(value),
  },
  attempts: positiveInteger,
  backoff: {
    allowed: 'a number of milliseconds, or an object with a `type`',
    test: (value: unknown) =>
      duration.test(value) ||
      (typeof value === 'object' && value !== null && typeof (value as { type?: unknown }).type === 'string'),
  },
} satisfies Record<string, Rule>;

/** The method of a name, of an instance, of those that a class makes, or of the class itself; never, where it is not known. */
type MethodOf<Target, Name extends PropertyKey> = Name extends keyof Target
  ? Target[Name]
  : Name extends `static ${infer Own}`
    ? MethodOf<Target, Own>
    : Target extends { readonly prototype: infer Instance }
      ? Name extends keyof Instance
        ? Instance[Name]
        : never
      : never;

type ArgsOf<Target, Name extends PropertyKey> = [MethodOf<Target, Name>] extends [never]
  ? readonly unknown[]
  : MethodOf<Target, Name> extends (...args: infer Args) => unknown
    ? Args
    : never;

/**
 * Puts a call of a method with `@queued` into its queue, for which nobody waits. No policies are applied to it: limits belong
 * on what the job calls. A worker that fails tries again only where `attempts` says so.
 *
 * @param target An instance; or a class, for its instances or for a static method.
 * @param method The method's name; `'static name'` for a static one that shares its name with an instance one.
 * @param args Its arguments.
 * @param options `delay` (0), `id`, `attempts` (1), `backoff` (none).
 * @returns The id of the job; of the one that is there, where one of this `id` waits or runs already.
 * @throws ConfigurationError when the method has no `@queued`, or an option is wrong.
 * @throws JobError when the arguments cannot travel, or Redis refuses the job.
 * @example
 * await enqueue(crm, 'sync', ['north'], { delay: 60_000, id: 'sync-north' });
 */
export async function enqueue<Target extends object, Name extends PropertyKey>(
  target: Target,
  method: Name & (NameOfMethod<Target> | UnknownName<Name> | { readonly 'this is not the name of a method': Name }),
  args: NoInfer<ArgsOf<Target, Name>>,
  options: EnqueueOptions = {},
): Promise<string> {
  const chains = chainsOf(target, 'enqueue()');
  const site = siteOf(target, chains, method, 'enqueue()');
  const policy = site && queuedAmong(site.policies);
  if (site?.member === undefined || policy === undefined) {
    throw new ConfigurationError(`enqueue(): ${labelOfSite(typeOf(chains), method)} has no @queued`);
  }
  const where = { text: `enqueue() of ${site.label}` };
  const { delay, id, attempts, backoff } = readOptions<EnqueueOptions>(where, options, rules, { attempts: 1 });
  if (!Array.isArray(args)) {
    throw new ConfigurationError(`${where.text}: expected the arguments to be an array, got ${show(args)}`);
  }
  const isStatic = site.member.placement.endsWith('static');
  const isClass = typeof target === 'function';
  const receiver = isClass && !isStatic ? (Reflect.get(target, 'prototype') as object) : target;
  const trace = traceHere();
  const data = {
    opero: 1,
    ...targetOf(receiver, site.member),
    args: encodeArgs(args, termsOf(site, policy), signalOf(args, site.signalAt)),
    ...(trace !== undefined && { trace }),
  } as const;
  const { id: jobId, isNew } = await queueFor(policy).add(labelOf(data), data, {
    attempts: attempts as number,
    ...(delay !== undefined && { delay }),
    ...(id !== undefined && { jobId: id }),
    ...(backoff !== undefined && { backoff }),
  });
  if (!isNew) return jobId;
  const stats = statsFor(policy, site);
  stats.sent++;
  if (areJobsTold()) tellOfJob('queued', stats, { jobId });
  return jobId;
}
