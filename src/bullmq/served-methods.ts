import type { SignalPlace } from '../core/call/signal-place.js';
import { chainFor, chainsOf } from '../core/decoration/lookup.js';
import { ConfigurationError, JobError } from '../core/errors.js';
import type { Member, Placement } from '../core/member.js';
import { show } from '../core/options.js';
import type { AnyFunction } from '../core/types.js';
import { sitesOf } from '../inspect.js';
import type { JobStats } from '../telemetry/jobs.js';
import { findMethod } from '../workers/locate.js';
import type { ConnectionSource } from './connection.js';
import { classNamesOf } from './job-data.js';
import { type JobData, labelOf, type Terms } from './message.js';
import { queuedAmong, sourceOf, statsFor, termsOf } from './queued.js';

/** A method that jobs may run, on the object that it is served with. */
export interface ServedMethod {
  readonly self: object;
  /** The method's own code. */
  readonly fn: AnyFunction;
  readonly terms: Terms;
  readonly stats: JobStats;
  readonly signalAt: SignalPlace | undefined;
}

/** What one queue serves. */
export class ServedMethods {
  /** By name, then by the names of the classes that a job may call its class, the nearest first. */
  readonly #methods = new Map<string, { readonly classes: readonly string[]; readonly method: ServedMethod }[]>();

  constructor(
    readonly name: string,
    readonly prefix: string,
    readonly source: ConnectionSource,
  ) {}

  add(member: Member, method: ServedMethod): void {
    const key = keyOf(String(member.name), member.placement.endsWith('static'));
    const alike = this.#methods.get(key) ?? [];
    const classes = classNamesOf(method.self, member);
    if (alike.some((each) => each.classes[0] === classes[0])) {
      const problem = `two of what is served stand for ${method.terms.label} in the queue '${this.name}'`;
      throw new ConfigurationError(`serve(): ${problem}; serve one of them`);
    }
    this.#methods.set(key, [...alike, { classes, method }]);
  }

  /**
   * The method of a job: of what is served, that of the nearest to the job's class.
   *
   * @throws JobError when it is none that is served here.
   */
  find(job: JobData): ServedMethod {
    const alike = this.#methods.get(keyOf(job.method, job.static === true)) ?? [];
    const depths = alike.map(({ classes }) => classes.indexOf(job.class));
    const nearest = Math.min(...depths.filter((depth) => depth >= 0));
    const at = depths.indexOf(nearest);
    if (at >= 0 && depths.lastIndexOf(nearest) === at) return (alike[at] as { method: ServedMethod }).method;
    const problem = at < 0 ? 'no method that is served' : 'the method of more than one class that is served';
    throw new JobError(`${labelOf(job)}: it is ${problem} in the queue '${this.name}'`, 'unknown-method');
  }
}

/** No name of a method has a space before it. */
const keyOf = (name: string, isStatic: boolean): string => (isStatic ? ` ${name}` : name);

/** What is to be served, by queue. */
export function readServed(subjects: unknown): ServedMethods[] {
  const queues = new Map<string, ServedMethods>();
  const list = Array.isArray(subjects) ? subjects : [subjects];
  if (list.length === 0) throw new ConfigurationError('serve(): expected something to serve, got an empty array');
  for (const subject of list) addSubject(subject, queues);
  return [...queues.values()];
}

const ofClass: readonly Placement[] = ['static', 'private static'];

function addSubject(subject: object, queues: Map<string, ServedMethods>): void {
  const isClass = typeof subject === 'function';
  const chains = chainsOf(subject, 'serve()');
  let found = 0;
  for (const [site, placement] of sitesOf(chains)) {
    const policy = queuedAmong(site.policies);
    const { member } = site;
    if (policy === undefined || member === undefined || isClass !== ofClass.includes(placement)) continue;
    const fn = findMethod(chainFor(chains, placement), placement, site.name);
    if (fn === undefined) continue;
    const { name, prefix } = policy.options;
    const key = `${prefix}:${name}`;
    const methods = queues.get(key) ?? new ServedMethods(name, prefix, sourceOf(policy));
    queues.set(key, methods);
    methods.add(member, {
      self: subject,
      fn,
      terms: termsOf(site, policy),
      stats: statsFor(policy, site),
      signalAt: site.signalAt,
    });
    found++;
  }
  if (found > 0) return;
  const what = isClass
    ? `no static method with @queued; to serve its other methods, give an instance`
    : 'no method with @queued';
  throw new ConfigurationError(`serve(): ${show(subject)} has ${what}`);
}
