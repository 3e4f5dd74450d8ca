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

/** What tells the series of a metric apart, under OpenTelemetry's names. No key, tenant or attempt number is among it. */
export interface Labels {
  readonly 'code.function.name': string;
  readonly 'opero.outcome'?: string;
  readonly 'opero.fallback'?: true;
  readonly 'opero.policy'?: string;
  readonly 'opero.reason'?: string;
  readonly 'error.type'?: string;
}

/** What a method is called in `code.function.name`. Classes of one name share it. */
export const functionName = ({ className, method }: { readonly className: string; readonly method: string }): string =>
  `${className}.${method}`;
