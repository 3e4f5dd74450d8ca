import type { Events } from '../../core/events.js';
import { once, type Undo } from '../../core/undo.js';
import { on } from '../events.js';
import { functionName, type Labels, type MeasuredName } from './definitions.js';
import { ErrorTypes } from './error-types.js';
import { measureShared } from './measure-shared.js';
import { inSeconds, type MakeSeries, type Series } from './series.js';

/** The series of one method. The usual ones are found without making a key. */
class MethodSeries {
  readonly #name: string;
  readonly #make: MakeSeries;
  readonly #errors = new ErrorTypes();
  readonly #others = new Map<string, Series>();
  #succeededCalls: Series | undefined;
  #succeededAttempts: Series | undefined;

  constructor(name: string, make: MakeSeries) {
    this.#name = name;
    this.#make = make;
  }

  #series(metric: MeasuredName, labels: Omit<Labels, 'code.function.name'>): Series {
    return this.#make(metric, { 'code.function.name': this.#name, ...labels });
  }

  #other(metric: MeasuredName, labels: Omit<Labels, 'code.function.name'>): Series {
    const key = JSON.stringify([metric, labels]);
    let series = this.#others.get(key);
    if (series === undefined) {
      series = this.#series(metric, labels);
      this.#others.set(key, series);
    }
    return series;
  }

  call({ duration = 0, outcome = 'ok', fallback, error }: Events['call']): void {
    let series: Series;
    if (outcome === 'ok' && !fallback) {
      this.#succeededCalls ??= this.#series('opero.call.duration', { 'opero.outcome': outcome });
      series = this.#succeededCalls;
    } else {
      series = this.#other('opero.call.duration', {
        'opero.outcome': outcome,
        ...(fallback && { 'opero.fallback': true }),
        ...(outcome !== 'ok' && { 'error.type': this.#errors.of(error) }),
      });
    }
    series.record(inSeconds(duration));
  }

  attempt({ duration = 0, outcome = 'ok', error }: Events['attempt']): void {
    let series: Series;
    if (outcome === 'ok') {
      this.#succeededAttempts ??= this.#series('opero.attempt.duration', { 'opero.outcome': outcome });
      series = this.#succeededAttempts;
    } else {
      const type = this.#errors.of(error);
      series = this.#other('opero.attempt.duration', { 'opero.outcome': outcome, 'error.type': type });
    }
    series.record(inSeconds(duration));
  }

  wait({ policy, duration }: Events['wait']): void {
    this.#other('opero.wait.duration', { 'opero.policy': policy }).record(inSeconds(duration));
  }

  retry(): void {
    this.#other('opero.retries', {}).record(1);
  }

  reject({ policy, reason }: Events['reject']): void {
    this.#other('opero.rejections', { 'opero.policy': policy, 'opero.reason': reason }).record(1);
  }

  fallback(): void {
    this.#other('opero.fallbacks', {}).record(1);
  }
}

/** Whose event it is. */
interface Named {
  readonly className: string;
  readonly method: string;
}

/** Finds the series of the method that an event is of. */
function finder(make: MakeSeries): (event: Named) => MethodSeries {
  const classes = new Map<string, Map<string, MethodSeries>>();
  /** By full name: a class `A.b` with `c`, and `A` with `b.c`, are one to who reads it. */
  const all = new Map<string, MethodSeries>();
  return ({ className, method }) => {
    let methods = classes.get(className);
    if (methods === undefined) {
      methods = new Map();
      classes.set(className, methods);
    }
    let series = methods.get(method);
    if (series === undefined) {
      const name = functionName({ className, method });
      series = all.get(name) ?? new MethodSeries(name, make);
      all.set(name, series);
      methods.set(method, series);
    }
    return series;
  };
}

/** Has what happens from now on recorded. */
export function measure(make: MakeSeries): Undo {
  const of = finder(make);
  const stops = [
    on('call', (event) => of(event).call(event)),
    on('attempt', (event) => of(event).attempt(event)),
    on('wait', (event) => of(event).wait(event)),
    on('retry', (event) => of(event).retry()),
    on('reject', (event) => of(event).reject(event)),
    on('fallback', (event) => of(event).fallback()),
    ...measureShared(make),
  ];
  return once(() => {
    for (const stop of stops) stop();
  });
}
