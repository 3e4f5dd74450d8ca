import { Alarm } from '../core/call/clock.js';
import { catchRejection } from '../core/call/thenable.js';
import { ConfigurationError } from '../core/errors.js';
import type { EventKind, OperoEvent } from '../core/events.js';
import { type Rule, readOptions, show } from '../core/options.js';
import { once, type Undo } from '../core/undo.js';
import { on } from './events.js';

/**
 * What `logTo` writes: `event` is the kind, and beside it stand the fields of that event; `err` is its error, under the name
 * that pino and others print errors by.
 *
 * @example
 * const isOfCircuit = ({ event }: LogLine) => event === 'circuit';
 */
export interface LogLine {
  /** The kind of event: `'retry'`, `'fallback'`, `'reject'`, `'circuit'`, or `'call'` for one that failed. */
  readonly event: EventKind;
  /** The concrete class. */
  readonly className: string;
  /** The method. */
  readonly method: string;
  /** For how many of the kind and the method the line stands; what else it says is of the last of them. */
  readonly count: number;
  /** What the event is about; undefined where it is about no error. */
  readonly err: unknown;
  /** The other fields of the event. */
  readonly [field: string]: unknown;
}

/** The kinds of event that are written, and what is said of each. */
type LoggedKind = 'retry' | 'fallback' | 'reject' | 'circuit' | 'call';

const texts: { readonly [Kind in LoggedKind]: (event: OperoEvent<Kind>) => string } = {
  retry: ({ attempt, delay }) => `attempt ${attempt} failed, the next in ${Math.round(delay)} ms`,
  fallback: ({ alternative }) => `falls back on ${alternative}`,
  reject: ({ policy, reason }) => `turned away by ${policy}: ${reason}`,
  circuit: ({ from, to }) => `its circuit was ${from}, is ${to}`,
  call: ({ outcome, duration = 0 }) =>
    `${outcome === 'rejected' ? 'was turned away' : 'failed'} after ${Math.round(duration)} ms`,
};

/** There is at most one line in so many milliseconds for each method and kind. */
const interval = 1000;

/** Writes a line. */
type Write = (line: LogLine, text: string) => unknown;

/** The lines of one method and kind. */
class Lines {
  #last: OperoEvent<LoggedKind> | undefined;
  #count = 0;
  readonly #alarm: Alarm;

  constructor(
    readonly write: Write,
    readonly onQuiet: () => void,
  ) {
    // A program that has nothing else to do does not wait for it.
    this.#alarm = new Alarm(() => this.#look(), false);
  }

  /** At once, unless there was a line within the last second: then it is counted. */
  add(event: OperoEvent<LoggedKind>): void {
    this.#last = event;
    this.#count++;
    if (!this.#alarm.isSet) this.#begin();
  }

  #begin(): void {
    // Before the logger is called, who may do anything.
    this.#alarm.set(interval);
    this.flush();
  }

  #look(): void {
    if (this.#count === 0) this.onQuiet();
    else this.#begin();
  }

  flush(): void {
    const event = this.#last;
    const count = this.#count;
    this.#last = undefined;
    this.#count = 0;
    if (event !== undefined) this.write(lineOf(event, count), textOf(event, count));
  }

  end(): void {
    this.#alarm.clear();
    this.flush();
  }
}

function lineOf({ type, error, ...fields }: OperoEvent<LoggedKind>, count: number): LogLine {
  // Logs are kept for long: what was captured for listeners is none of theirs.
  const { args: _args, result: _result, ...rest } = fields as { readonly args?: unknown; readonly result?: unknown };
  return { event: type, ...(rest as typeof fields), count, err: error };
}

function textOf(event: OperoEvent<LoggedKind>, count: number): string {
  const { className, method } = event;
  const text = (texts[event.type] as (event: OperoEvent<LoggedKind>) => string)(event);
  return `${className}.${method}: ${text}${count === 1 ? '' : ` (${count} times)`}`;
}

/** A logger like pino or console: a method for each level, which takes an object and a text. */
type Logger<Level extends string> = { readonly [Name in Level]: (line: LogLine, text: string) => unknown };

const level: Rule = { allowed: 'the name of a method of the logger', test: (value) => typeof value === 'string' };

/**
 * Writes a structured line for each retry, fallback, rejection, change of a circuit, and call that failed: `logger.warn(line,
 * text)`. There is at most one line a second for each method and kind, which tells how many it stands for. What the logger
 * throws touches no call.
 *
 * @param logger pino, console, or anything else with such a method.
 * @param options `level` (`'warn'`): which method of the logger is called.
 * @returns What ends it, and writes what was counted by then: a function that is also a Disposable.
 * @throws ConfigurationError when the logger has no such method, or an option is wrong.
 * @example
 * logTo(console);
 * using notes = logTo(console, { level: 'info' });
 */
export function logTo(logger: Logger<'warn'>, options?: { readonly level?: 'warn' }): Undo;
export function logTo<const Level extends string>(logger: Logger<Level>, options: { readonly level: Level }): Undo;
export function logTo(logger: unknown, options: object = {}): Undo {
  const { level: name } = readOptions<{ readonly level: string }>(
    { text: 'logTo()' },
    options,
    { level },
    { level: 'warn' },
  );
  const method: unknown = Reflect.get(Object(logger), name);
  if (typeof method !== 'function') {
    throw new ConfigurationError(`logTo(): expected the logger to have a method \`${name}\`, got ${show(logger)}`);
  }
  const write: Write = (line, text) => Reflect.apply(method, logger, [line, text]);
  const all = new Map<string, Lines>();
  const add = (event: OperoEvent<LoggedKind>): void => {
    const { type, className, method, static: isStatic } = event;
    const key = JSON.stringify([type, className, method, isStatic]);
    let lines = all.get(key);
    if (lines === undefined) {
      lines = new Lines(contained(write), () => all.delete(key));
      all.set(key, lines);
    }
    lines.add(event);
  };
  const subscriptions = [
    on('retry', add),
    on('fallback', add),
    on('reject', add),
    on('circuit', add),
    on('call', (event) => {
      if (event.outcome === 'error' || event.outcome === 'rejected') add(event);
    }),
  ];
  return once(() => {
    for (const stop of subscriptions) stop();
    for (const lines of all.values()) lines.end();
    all.clear();
  });
}

/** What a logger throws is nobody's affair: there is no other place to tell of it. */
const contained =
  (write: Write): Write =>
  (line, text) => {
    try {
      catchRejection(write(line, text));
    } catch {
      // See above.
    }
  };
