import type { Call } from '../core/call/call.js';
import { isErrorClass } from '../core/call/matcher.js';
import type { SiteInfo } from '../core/call/policy.js';
import type { Around, Step } from '../core/call/step.js';
import { policyDecorator } from '../core/decoration/decorate.js';
import type { PolicyDecorator } from '../core/decoration/decorator-types.js';
import { ConfigurationError } from '../core/errors.js';
import { node } from '../core/node.js';
import {
  anything,
  durationOrInfinity,
  fixed,
  hasNames,
  oneOf,
  positiveInteger,
  queueLength,
  type Rule,
  readOptions,
  show,
  type Where,
  wrongOption,
} from '../core/options.js';
import type { ErrorClass } from '../core/types.js';
import type { ResourceLimits } from '../workers/pool-options.js';
import type { CpuBoundPolicy } from '../workers/protocol.js';
import type { Remote, RemoteOptions } from '../workers/remote.js';
import { rankOf } from './order.js';
import { loadWorkers, type Workers, workers } from './workers.js';

/**
 * Options of `@cpuBound`. Methods with the same pool options share a pool.
 *
 * @example
 * const config: CpuBoundConfig = { maxWorkers: 2, state: ['grid'], resourceLimits: { maxOldGenerationSizeMb: 256 } };
 */
export interface CpuBoundConfig {
  /** How many workers there may be. Default: the number of cores. */
  readonly maxWorkers?: number;
  /** How many workers stay when idle. Default 0. */
  readonly minWorkers?: number;
  /** How long an idle worker stays, in milliseconds. Default 30 000. */
  readonly idleTimeout?: number;
  /** Threads (default), or processes of their own, which survive even a crash in native code. */
  readonly runtime?: 'worker_threads' | 'child_process';
  /** How many calls may wait for a worker, beyond those that run; one more is rejected. Default Infinity. */
  readonly maxQueue?: number;
  /** Limits of a worker thread, in megabytes; processes have none. Default: Node's own. */
  readonly resourceLimits?: ResourceLimits;
  /** Names of the fields of `this`, the class itself in a static method, that travel to the worker; not for functions. Default: none. */
  readonly state?: readonly string[];
  /** Error classes that may come back as themselves, beyond built-in, exported and matched ones. Default: none. */
  readonly errors?: readonly ErrorClass[];
}

declare module '../core/policies.js' {
  interface Policies {
    /** The module, or `{ module, ... }` with the options of `@cpuBound`. */
    readonly cpuBound: string | URL | (CpuBoundConfig & { readonly module: string | URL });
  }
}

const limitNames = ['maxOldGenerationSizeMb', 'maxYoungGenerationSizeMb', 'codeRangeSizeMb', 'stackSizeMb'];

const limits: Rule = {
  allowed: `an object of positive numbers, of ${limitNames.join(', ')}`,
  test: (value) =>
    typeof value === 'object' &&
    value !== null &&
    Object.entries(value).every(([name, size]) => limitNames.includes(name) && Number.isFinite(size) && size > 0),
};

const rules = {
  // Tested where it is read.
  module: fixed({ ...anything, allowed: 'import.meta.url, a file: or data: URL, or an absolute path' }),
  maxWorkers: positiveInteger,
  minWorkers: { allowed: 'an integer of at least 0', test: (value) => value === 0 || positiveInteger.test(value) },
  idleTimeout: durationOrInfinity,
  runtime: oneOf('worker_threads', 'child_process'),
  maxQueue: queueLength,
  resourceLimits: limits,
  state: {
    allowed: 'an array of field names (#private fields cannot travel)',
    test: (value) => Array.isArray(value) && value.every((each) => typeof each === 'string' && !each.startsWith('#')),
  },
  errors: {
    allowed: 'an array of error classes',
    test: (value) => Array.isArray(value) && value.every(isErrorClass),
  },
} satisfies Record<string, Rule>;

const defaults = {
  minWorkers: 0,
  idleTimeout: 30_000,
  runtime: 'worker_threads',
  maxQueue: Number.POSITIVE_INFINITY,
  state: [],
  errors: [],
} as const;

type Filled = RemoteOptions & { readonly errors: readonly ErrorClass[] };

function moduleUrl(given: unknown): string | undefined {
  const text = given instanceof URL ? given.href : given;
  if (typeof text !== 'string') return undefined;
  if (node('node:path').isAbsolute(text)) return node('node:url').pathToFileURL(text).href;
  return /^(file|data):/i.test(text) && URL.canParse(text) ? text : undefined;
}

/** How many decorators there are so far for each module and place in it. */
const counts = new Map<string, number>();

/** The marks of the policies that there are, by their options. */
const marks = new WeakMap<object, string>();

/**
 * What tells a decorator from the others that name its module: where it stands, and how many stood there before. A policy
 * that was made of another has the mark of that.
 */
function markOf(module: string, { text, over }: Where): string {
  const declared = over && marks.get(over);
  if (declared !== undefined) return declared;
  const key = `${module} ${text}`;
  const count = counts.get(key) ?? 0;
  counts.set(key, count + 1);
  return `${text} ${count}`;
}

/** The policy for the module and the options in one object. */
export function cpuBoundPolicy(given: unknown, where: Where): CpuBoundPolicy {
  const config = typeof given === 'object' && given !== null && !(given instanceof URL) ? given : { module: given };
  const read = readOptions<Filled>(where, config, rules, {
    ...defaults,
    maxWorkers: node('node:os').availableParallelism(),
  } as Partial<Filled>);
  const module = moduleUrl(read.module);
  if (module === undefined) throw wrongOption(where, 'module', read.module, rules.module.allowed);
  if (read.minWorkers > read.maxWorkers) {
    throw wrongOption(where, 'minWorkers', read.minWorkers, `at most maxWorkers (${read.maxWorkers})`);
  }
  if (where.classless && read.state.length > 0) {
    throw wrongOption(where, 'state', read.state, 'left out: functions have no `this` in a worker');
  }
  const { resourceLimits } = read;
  if (resourceLimits !== undefined && read.runtime === 'child_process') {
    throw wrongOption(where, 'resourceLimits', resourceLimits, "left out with the runtime 'child_process'");
  }
  const options = Object.freeze({
    ...read,
    module,
    ...(resourceLimits && { resourceLimits: Object.freeze({ ...resourceLimits }) }),
  });
  const mark = markOf(module, where);
  marks.set(options, mark);
  const wrap = (around: Around, site: SiteInfo): Step => {
    let remote: Remote | undefined;
    const run = ({ Remote }: Workers, call: Call): Promise<unknown> => {
      remote ??= new Remote(site, options, mark);
      return remote.run(call, around.start);
    };
    return {
      admit: function cpuBound(call) {
        // At once, or straight behind the loading: a shutdown asked for after the call finds it with its pool.
        const work = workers === undefined ? loadWorkers().then((loaded) => run(loaded, call)) : run(workers, call);
        return work.then(
          (value) => around.ok(value, call),
          (error) => around.fail(error, call),
        );
      },
    };
  };
  return {
    kind: 'cpuBound',
    options,
    mark,
    errorClasses: options.errors,
    steps: [{ rank: rankOf('cpuBound'), wrap }],
  };
}

/**
 * Runs the method in a tinypool worker. The worker imports the module given, finds the class among its exports, and runs
 * the method's own code there; retry, fallback and limits stay on the calling side.
 *
 * @param module `import.meta.url` of the module that exports the class; a file: or data: URL, or an absolute path.
 * @param config `maxWorkers` (the number of cores), `minWorkers` (0), `idleTimeout` (30 000 ms), `runtime`
 * (`'worker_threads'`), `maxQueue` (Infinity), `resourceLimits`, `state` (none), `errors` (none).
 * @throws ConfigurationError at decoration, when an option is wrong.
 * @throws WorkerError from the call, when the class is not exported, something cannot be cloned, or the worker died.
 * @throws RejectedError from the call, over `maxQueue`.
 * @example
 * export class Weather {
 *   \@cpuBound(import.meta.url)
 *   async simulate(seed: number): Promise<Grid> { ... }
 * }
 */
export function cpuBound(...given: [module: string | URL, config?: CpuBoundConfig]): PolicyDecorator {
  const [module, config] = given;
  return policyDecorator('cpuBound', given, 2, (where) => {
    if (config !== undefined && !hasNames(config)) {
      throw new ConfigurationError(`${where.text}: expected the options to be an object, got ${show(config)}`);
    }
    if (config !== undefined && Object.hasOwn(config, 'module')) {
      throw new ConfigurationError(`${where.text}: the module is the first argument, not an option`);
    }
    return cpuBoundPolicy({ ...config, module }, where);
  });
}
