/** What a metric is, whichever system shows it. */
interface MetricDefinition {
  readonly kind: 'histogram' | 'counter' | 'gauge';
  /** By the rules of UCUM, as OpenTelemetry wants it. */
  readonly unit: string;
  readonly description: string;
}

/** Durations, in seconds. */
const histogram = (description: string) => ({ kind: 'histogram', unit: 's', description }) as const;
const counter = (unit: string, description: string) => ({ kind: 'counter', unit, description }) as const;
const gauge = (unit: string, description: string) => ({ kind: 'gauge', unit, description }) as const;

/** Every metric, under its name in OpenTelemetry. */
export const definitions = {
  'opero.call.duration': histogram('From the call of a governed method to its outcome, waits and retries included.'),
  'opero.attempt.duration': histogram("From each entry of the method's own code to its end."),
  'opero.wait.duration': histogram(
    'What attempts waited in line for a permit, a slot or a worker, or between two attempts.',
  ),
  'opero.retries': counter('{retry}', 'Attempts that follow a failed one.'),
  'opero.rejections': counter('{rejection}', 'Attempts that a limit or a circuit turned away.'),
  'opero.fallbacks': counter('{fallback}', 'Alternatives called, and last-resort values used.'),
  'opero.running': gauge('{attempt}', 'Attempts whose work has not ended yet.'),
  'opero.queued': gauge('{attempt}', 'Attempts that wait for a permit or a slot.'),
  'opero.circuit.state': gauge('', 'State of the circuit: 0 closed, 1 half-open, 2 open, 3 isolated.'),
  'opero.limit': gauge('{slot}', 'The concurrency limit in force.'),
  'opero.store.trip.duration': histogram('From asking a store that processes share to its answer.'),
  'opero.store.outages': counter('{outage}', 'Times that a store ceased to answer.'),
  'opero.store.lost_leases': counter('{lease}', 'Leases of slots that this process could not renew in time.'),
  'opero.store.down': gauge('{store}', 'Stores that do not answer.'),
  'opero.jobs.sent': counter('{job}', 'Jobs put into a queue, by calls and by enqueue().'),
  'opero.job.duration': histogram('From sending the job of a call to the end of it for the call.'),
  'opero.job.run.duration': histogram('From the beginning of a job in a worker of this process to its end.'),
  'opero.jobs.waiting': gauge('{job}', 'Calls that wait for the outcome of their jobs.'),
  'opero.jobs.running': gauge('{job}', 'Jobs that workers of this process run.'),
} satisfies Record<string, MetricDefinition>;

export type MetricName = keyof typeof definitions;

type Of<Kind extends MetricDefinition['kind']> = {
  [Name in MetricName]: (typeof definitions)[Name]['kind'] extends Kind ? Name : never;
}[MetricName];

/** What is looked up when somebody asks. */
export type GaugeName = Of<'gauge'>;
/** What events add to. */
export type MeasuredName = Of<'histogram' | 'counter'>;

export const metricNames = Object.keys(definitions) as MetricName[];
export const isGauge = (name: MetricName): name is GaugeName => definitions[name].kind === 'gauge';
export const isMeasured = (name: MetricName): name is MeasuredName => !isGauge(name);

/** The upper bounds of the buckets of a histogram, in seconds: those that OpenTelemetry advises for HTTP. */
export const bucketBoundaries: readonly number[] = [
  0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10,
];

/** What is looked up of stores and jobs; the other gauges are of methods. */
export type SharedGaugeName = Extract<GaugeName, `opero.store.${string}` | `opero.jobs.${string}`>;

/**
 * What tells the series of a metric apart, under OpenTelemetry's names. No key, tenant, attempt number or id of a job is among
 * it.
 */
export interface Labels {
  /** Of a method. */
  readonly 'code.function.name'?: string;
  /** A queue. */
  readonly 'messaging.destination.name'?: string;
  readonly 'opero.store'?: string;
  readonly 'opero.limit.name'?: string;
  readonly 'opero.outcome'?: string;
  readonly 'opero.fallback'?: true;
  readonly 'opero.policy'?: string;
  readonly 'opero.reason'?: string;
  readonly 'error.type'?: string;
}

/** What a method is called in `code.function.name`. Classes of one name share it. */
export const functionName = ({ className, method }: { readonly className: string; readonly method: string }): string =>
  `${className}.${method}`;
