import { ConfigurationError } from '../core/errors.js';
import { show } from '../core/options.js';
import { peek } from '../core/peek.js';
import { once, type Undo } from '../core/undo.js';
import { type Family, families } from './families.js';
import type { PrometheusLabels, Sample } from './samples.js';

/**
 * What `collect` needs of a registry; the `Registry` of prom-client is one.
 *
 * @example
 * import { Registry } from 'prom-client';
 * const registry: MetricsRegistry = new Registry();
 */
export interface MetricsRegistry {
  /** The metric of a name, if there is one. */
  getSingleMetric(name: string): unknown;
  /** Takes a metric in. */
  registerMetric(metric: object): void;
  /** Takes a metric out. */
  removeSingleMetric(name: string): void;
}

/** A line of a metric, as prom-client has it. */
interface Value {
  readonly metricName?: string;
  readonly labels: PrometheusLabels;
  /** Further labels, whose text it keeps. */
  readonly sharedLabels?: PrometheusLabels;
  readonly value: number;
}

/** A metric as a registry of prom-client asks it. */
class CollectedMetric {
  /** The registry changes it where it speaks OpenMetrics. */
  name: string;
  readonly help: string;
  readonly type: string;
  readonly aggregator: string;
  readonly #family: Family;

  constructor(family: Family) {
    this.#family = family;
    this.name = family.name;
    this.help = family.help;
    this.type = family.type;
    this.aggregator = family.aggregator;
  }

  /** What it shows, for whoever goes through it. */
  async get(): Promise<object> {
    return this.#with(({ labels, le }) => ({ labels: { ...labels, ...(le !== undefined && { le }) } }));
  }

  /** The same for what is to become text at once. */
  async getForPromString(): Promise<object> {
    return this.#with(({ labels, le }) => ({ labels: le === undefined ? {} : { le }, sharedLabels: labels }));
  }

  #with(labelsOf: (sample: Sample) => Omit<Value, 'metricName' | 'value'>): object {
    const { name, help, type, aggregator } = this;
    const values = this.#family.samples().map((sample): Value => {
      const { suffix, value } = sample;
      return { ...labelsOf(sample), ...(suffix !== '' && { metricName: `${name}${suffix}` }), value };
    });
    return { name, help, type, aggregator, values };
  }

  reset(): void {
    this.#family.reset();
  }
}

const needed = ['getSingleMetric', 'registerMetric', 'removeSingleMetric'] as const;

function check(registry: unknown): void {
  if (needed.every((name) => typeof peek(registry, name) === 'function')) return;
  throw new ConfigurationError(`collect(): expected a Registry of prom-client, got ${show(registry)}`);
}

/**
 * Adds the metrics of every governed method to a registry of prom-client, beside what others measure there. All registries,
 * and `metricsText`, show the same counts, which begin with the import of this entry.
 *
 * @param registry Where to add them.
 * @returns What takes them out again: a function that is also a Disposable.
 * @throws ConfigurationError when it is no registry, or has a metric of such a name already, as after another `collect`.
 * @example
 * import { Registry } from 'prom-client';
 * const registry = new Registry();
 * collect(registry);
 * console.log(await registry.metrics());
 */
export function collect(registry: MetricsRegistry): Undo {
  check(registry);
  const taken = families.find(({ name }) => registry.getSingleMetric(name) !== undefined);
  if (taken !== undefined) {
    throw new ConfigurationError(
      `collect(): the registry has a metric ${taken.name} already; collect once for each registry`,
    );
  }
  for (const family of families) registry.registerMetric(new CollectedMetric(family));
  return once(() => {
    for (const { name } of families) registry.removeSingleMetric(name);
  });
}
