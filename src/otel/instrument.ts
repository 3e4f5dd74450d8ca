import { type MeterProvider, metrics, type TracerProvider, trace } from '@opentelemetry/api';
import { ConfigurationError } from '../core/errors.js';
import { oneOf, type Rule, readOptions } from '../core/options.js';
import { peek } from '../core/peek.js';
import { once, type Undo } from '../core/undo.js';
import { recordMetrics } from './metrics.js';
import { recordSpans } from './spans.js';

/**
 * Options of `instrument`.
 *
 * @example
 * const options: InstrumentOptions = { spans: 'call' };
 */
export interface InstrumentOptions {
  /**
   * What gets a span: `'attempt'`, each call, and each of its attempts unless there is but one that is entered at once;
   * `'call'`, each call; `'none'`, nothing, so that there are metrics alone. Default: `'attempt'`.
   */
  readonly spans?: 'attempt' | 'call' | 'none';
  /** Gives the meter. Default: the global one, as it is when `instrument` is called. */
  readonly meterProvider?: MeterProvider;
  /** Gives the tracer. Default: the global one. */
  readonly tracerProvider?: TracerProvider;
}

const having = (method: string): Rule => ({
  allowed: `an object with a method ${method}`,
  test: (value) => typeof peek(value, method) === 'function',
});

const rules = {
  spans: oneOf('attempt', 'call', 'none'),
  meterProvider: having('getMeter'),
  tracerProvider: having('getTracer'),
};

let isInstrumented = false;

/**
 * Has every governed call of the process traced and measured by OpenTelemetry. Spans are active around what they stand for,
 * so that those of fetch and databases nest in them; metrics are in seconds. Calls that are under way are left out.
 *
 * @param options See `InstrumentOptions`; all may be left out.
 * @returns What ends it: a function that is also a Disposable. The spans of calls under way end as these do.
 * @throws ConfigurationError for a wrong option, and where it was called before and that has not been ended.
 * @see https://opentelemetry.io/docs/specs/semconv/general/metrics/
 * @example
 * const stop = instrument({ spans: 'attempt' });
 * // at the end of the program
 * stop();
 */
export function instrument(options: InstrumentOptions = {}): Undo {
  const where = { text: 'instrument()' };
  const { spans, meterProvider, tracerProvider } = readOptions<InstrumentOptions>(where, options, rules, {
    spans: 'attempt',
  });
  if (isInstrumented) {
    throw new ConfigurationError('instrument(): opero is instrumented already; end that first, by what it gave');
  }
  // Both before anything begins: either provider may throw.
  const meter = (meterProvider ?? metrics.getMeterProvider()).getMeter('opero');
  const tracer = spans === 'none' ? undefined : (tracerProvider ?? trace.getTracerProvider()).getTracer('opero');
  const stops = [recordMetrics(meter)];
  if (tracer !== undefined) stops.push(recordSpans(tracer, spans === 'attempt'));
  isInstrumented = true;
  return once(() => {
    isInstrumented = false;
    for (const stop of stops) stop();
  });
}
