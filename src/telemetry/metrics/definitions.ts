/** What a metric is, whichever system shows it. */
export interface MetricDefinition {
  readonly kind: 'histogram' | 'counter' | 'gauge';
  /** By the rules of UCUM, as OpenTelemetry wants it. */
  readonly unit: string;
  readonly description: string;
}

/** Every metric, under its name in OpenTelemetry. */
export const definitions = {
  'opero.call.duration': {
    kind: 'histogram',
    unit: 's',
    description: 'From the call of a governed method to its outcome, waits and retries included.',
  },
  'opero.attempt.duration': {
    kind: 'histogram',
    unit: 's',
    description: "From each entry of the method's own code to its end.",
  },
  'opero.wait.duration': {
    kind: 'histogram',
    unit: 's',
    description: 'What attempts waited in line for a permit, a slot or a worker, or between two attempts.',
  },
  'opero.retries': { kind: 'counter', unit: '{retry}', description: 'Attempts that follow a failed one.' },
  'opero.rejections': {
    kind: 'counter',
    unit: '{rejection}',
    description: 'Attempts that a limit or a circuit turned away.',
  },
  'opero.fallbacks': {
    kind: 'counter',
    unit: '{fallback}',
    description: 'Alternatives called, and last-resort values used.',
  },
  'opero.running': { kind: 'gauge', unit: '{attempt}', description: 'Attempts whose work has not ended yet.' },
  'opero.queued': { kind: 'gauge', unit: '{attempt}', description: 'Attempts that wait for a permit or a slot.' },
  'opero.circuit.state': {
    kind: 'gauge',
    unit: '',
    description: 'State of the circuit: 0 closed, 1 half-open, 2 open, 3 isolated.',
  },
  'opero.limit': { kind: 'gauge', unit: '{slot}', description: 'The concurrency limit in force.' },
  'opero.store.trip.duration': {
    kind: 'histogram',
    unit: 's',
    description: 'From asking a store that processes share to its answer.',
  },
  'opero.store.outages': { kind: 'counter', unit: '{outage}', description: 'Times that a store ceased to answer.' },
  'opero.store.lost_leases': {
    kind: 'counter',
    unit: '{lease}',
    description: 'Leases of slots that this process could not renew in time.',
  },
  'opero.store.down': { kind: 'gauge', unit: '{store}', description: 'Stores that do not answer.' },
  'opero.jobs.sent': {
    kind: 'counter',
    unit: '{job}',
    description: 'Jobs put into a queue, by calls and by enqueue().',
  },
  'opero.job.duration': {
    kind: 'histogram',
    unit: 's',
    description: 'From sending the job of a call to the end of it for the call.',
  },
  'opero.job.run.duration': {
    kind: 'histogram',
    unit: 's',
    description: 'From the beginning of a job in a worker of this process to its end.',
  },
  'opero.jobs.waiting': {
    kind: 'gauge',
    unit: '{job}',
    description: 'Calls that wait for the outcome of their jobs.',
  },
  'opero.jobs.running': { kind: 'gauge', unit: '{job}', description: 'Jobs that workers of this process run.' },
} as const satisfies Record<string, MetricDefinition>;

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
