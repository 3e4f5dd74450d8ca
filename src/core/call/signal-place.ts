import { type Rule, readOptions, type Where, wrongOption } from '../options.js';

/**
 * Where a method takes its signal: as an argument, or as a property of one.
 *
 * @example
 * const place: SignalPlace = { argument: 1, name: 'abortSignal' }; // load(id, { abortSignal })
 */
export interface SignalPlace {
  /** Which argument, from 0. */
  readonly argument: number;
  /** The name of the property; left out where the argument itself is the signal. */
  readonly name?: PropertyKey | undefined;
}

const argument: Rule = {
  allowed: 'the number of an argument, from 0',
  test: (value) => Number.isSafeInteger(value) && (value as number) >= 0,
};

const name: Rule = {
  allowed: 'the name of a property',
  test: (value) => (typeof value === 'string' && value !== '') || typeof value === 'symbol' || Number.isFinite(value),
};

/** The place that `signalAt` names; checks it. */
export function readSignalPlace(given: unknown, where: Where): SignalPlace {
  const place = readOptions<SignalPlace>(where, given, { argument, name }, {});
  if (place.argument === undefined) throw wrongOption(where, 'argument', undefined, argument.allowed);
  return place;
}
