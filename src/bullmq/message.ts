import { JobError } from '../core/errors.js';
import { show } from '../core/options.js';
import type { ErrorClass } from '../core/types.js';
import { decodeThrown, encodeThrown } from './errors.js';
import type { Carrier } from './trace-context.js';
import { Malformed, Obstacle } from './value-errors.js';
import { decodeValue, encodeValue } from './values.js';

/** The version of the form of jobs and replies. */
const version = 1;

/** What stands in the queue for a call, as JSON. */
export interface JobData {
  readonly opero: typeof version;
  /** The name of the concrete class, and of its method. */
  readonly class: string;
  readonly method: string;
  readonly static?: true;
  readonly args: readonly unknown[];
  readonly attempt?: number;
  readonly hedge?: number;
  /** What led to this attempt. */
  readonly error?: unknown;
  /** Where somebody waits for the outcome. */
  readonly reply?: string;
  readonly trace?: Carrier;
}

/** What came of a job, as it is written to whoever waits: a value or an error, each as JSON holds it. */
export type Outcome = { readonly value: unknown } | { readonly error: unknown };

/** How long outcomes stay in Redis, in milliseconds. */
export const outcomesStay = 600_000;

/** The key of the stream that the outcomes for one process are written to; nothing is written to any other. */
export const replyKey = (id: string): string => `opero:replies:${id}`;
const replyForm = /^opero:replies:[0-9a-f]{32}$/;

/** The key of the stream by which workers of a queue are told of aborts. */
export const abortsKey = (qualifiedName: string): string => `opero:aborts:${qualifiedName}`;

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Where a job wants its outcome to be written; undefined where nobody waits, or the key is none of opero's form. */
export function replyOf(data: unknown): string | undefined {
  const reply = isRecord(data) && Object.hasOwn(data, 'reply') ? data.reply : undefined;
  return typeof reply === 'string' && replyForm.test(reply) ? reply : undefined;
}

const isCount = (value: unknown, least: number): boolean =>
  value === undefined || (Number.isSafeInteger(value) && Number(value) >= least);

const isCarrier = (value: unknown): boolean =>
  value === undefined ||
  (isRecord(value) &&
    Object.keys(value).length <= 16 &&
    Object.values(value).every((each) => typeof each === 'string' && each.length <= 8192));

/**
 * The data of a job, checked: of what it holds nothing is more than data.
 *
 * @throws JobError when it is no job of opero's.
 */
export function readJob(data: unknown): JobData {
  const wrong = (problem: string): JobError => new JobError(`a job that opero cannot read: ${problem}`, 'malformed');
  if (!isRecord(data) || !Object.hasOwn(data, 'opero')) throw wrong('nobody made it by @queued or enqueue()');
  // Only what it has of its own: `data.class` of an empty object is nobody's.
  const given: Readonly<Record<string, unknown>> = Object.assign(Object.create(null), data);
  if (given.opero !== version) throw wrong(`its form is ${show(given.opero)}, not ${version}`);
  if (typeof given.class !== 'string') throw wrong(`its class is ${show(given.class)}`);
  if (typeof given.method !== 'string') throw wrong(`its method is ${show(given.method)}`);
  if (given.static !== undefined && given.static !== true) throw wrong(`static is ${show(given.static)}`);
  if (!Array.isArray(given.args)) throw wrong(`its arguments are ${show(given.args)}`);
  if (!isCount(given.attempt, 1)) throw wrong(`its attempt is ${show(given.attempt)}`);
  if (!isCount(given.hedge, 0)) throw wrong(`its hedge is ${show(given.hedge)}`);
  if (given.reply !== undefined && replyOf(given) === undefined) {
    throw wrong(`its reply key ${show(given.reply)} is none of opero's`);
  }
  if (!isCarrier(given.trace)) throw wrong(`its trace context is ${show(given.trace)}`);
  return given as unknown as JobData;
}

/** The method of a job, for people. */
export const labelOf = ({ class: type, method }: Pick<JobData, 'class' | 'method'>): string =>
  `${type || '(anonymous class)'}.${method}`;

/** What is needed to put values and errors into JSON, and to read them. */
export interface Terms {
  /** The method for people: `Crm.sync`. */
  readonly label: string;
  readonly maxBytes: number;
  /** The classes of errors that keep their identity. */
  readonly classes: readonly ErrorClass[];
}

/** The error for what has not the form that it should have. */
const malformed = (what: string, error: unknown): JobError =>
  new JobError(`${what} cannot be read: ${error instanceof Malformed ? error.message : show(error)}`, 'malformed');

/** @throws JobError when something in the value cannot travel, or it is too large. */
function encode(value: unknown, path: string, { label, maxBytes }: Terms, governing?: AbortSignal): unknown {
  let encoded: unknown;
  try {
    encoded = encodeValue(value, path, governing);
  } catch (error) {
    if (error instanceof Obstacle) throw new JobError(`${label}: ${error.message}`, 'not-serializable');
    throw error;
  }
  const text = JSON.stringify(encoded);
  const bytes = text.length * 3 <= maxBytes ? 0 : Buffer.byteLength(text);
  if (bytes <= maxBytes) return encoded;
  const what = path === 'args' ? 'the arguments take' : 'the result takes';
  throw new JobError(`${label}: ${what} ${bytes} bytes, and \`maxBytes\` is ${maxBytes}`, 'too-large');
}

/** The arguments as JSON holds them, without the signal that governs the call. */
export const encodeArgs = (
  args: readonly unknown[],
  terms: Terms,
  governing: AbortSignal | undefined,
): readonly unknown[] => encode(args, 'args', terms, governing) as readonly unknown[];

/** @throws JobError when they have not the form that `encodeArgs` gives. */
export function decodeArgs(args: readonly unknown[], label: string, signal: () => AbortSignal): readonly unknown[] {
  try {
    return decodeValue(args, signal) as readonly unknown[];
  } catch (error) {
    throw malformed(`${label}: the arguments of its job`, error);
  }
}

/** @throws JobError when the value cannot travel, or it is too large. */
export const encodeResult = (value: unknown, terms: Terms): unknown => encode(value, 'result', terms);

/** How many bytes an error may take in any case. */
const roomForErrors = 2 ** 16;

/** Anything thrown, as JSON holds it. */
export const encodeFailure = (thrown: unknown, { classes, maxBytes }: Terms): unknown =>
  encodeThrown(thrown, classes, Math.max(maxBytes, roomForErrors));

/** What was thrown, again; where that cannot be read, an error that says so. */
export function decodeFailure(json: unknown, { label, classes }: Terms, callers: string): unknown {
  try {
    return decodeThrown(json, classes, callers);
  } catch (error) {
    return malformed(`${label}: the error of its job`, error);
  }
}

/** The outcome that a text holds; undefined where it holds none. */
export function readOutcome(text: string): Outcome | undefined {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (!isRecord(json)) return undefined;
  if (Object.hasOwn(json, 'value')) return { value: json.value };
  return Object.hasOwn(json, 'error') ? { error: json.error } : undefined;
}

/** The value of an outcome. @throws JobError when it cannot be read. */
export function decodeResult(json: unknown, label: string): unknown {
  try {
    return decodeValue(json);
  } catch (error) {
    throw malformed(`${label}: the result of its job`, error);
  }
}
