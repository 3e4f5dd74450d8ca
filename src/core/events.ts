import type { PolicyKind } from './policies.js';

/** Whose event it is: of which method, and of which call of it. */
interface OfMethod {
  /** The concrete class of the receiver: `'Weather'`; `'Orchestrator'` where a function runs without a class. */
  readonly className: string;
  /** The method: `'forecast'`, `'#measure'` for a private one; the name of the function where there is no class. */
  readonly method: string;
  /** Whether it is a static method. */
  readonly static: boolean;
}

/** The same, and in which call of it. */
interface OfCall extends OfMethod {
  /** Tells the calls of a process apart: a number from 1, the same in all events of one call. */
  readonly callId: number;
}

/** The same, and in which attempt of that. */
interface OfAttempt extends OfCall {
  /** The attempt that it is about, from 1. */
  readonly attempt: number;
}

/**
 * How a call ended for its caller: `'ok'`, with a value, a fallback's too; `'rejected'`, by a RejectedError of its own
 * pipeline; `'aborted'`, by its caller's signal; `'error'`, by anything else.
 *
 * @example
 * const isBad = (outcome: CallOutcome | undefined) => outcome === 'error' || outcome === 'rejected';
 */
export type CallOutcome = 'ok' | 'error' | 'rejected' | 'aborted';

/**
 * A call, from its beginning to what its caller gets. Whoever listens to the raw channel gets the same object at `start`
 * and at the end: `attempts` to `error` are what is known by then.
 */
export interface CallEvent extends OfCall {
  readonly type: 'call';
  /** How often the method's own code was entered, hedges included, by the time that the caller had its outcome. */
  readonly attempts: number;
  /** From the call to its outcome, in milliseconds, waits included; undefined while it runs. */
  readonly duration: number | undefined;
  /** How it ended; undefined while it runs. */
  readonly outcome: CallOutcome | undefined;
  /** Whether a fallback gave the value: an alternative, its last resort, or a further value of `rotate`. */
  readonly fallback: boolean;
  /** What it rejected with; undefined while it runs, and where it was fulfilled. */
  readonly error: unknown;
  /** The caller's arguments; there only while `captureArguments(true)` holds. */
  readonly args?: readonly unknown[];
  /** What it was fulfilled with; there only while `captureArguments(true)` holds. */
  readonly result?: unknown;
}

/**
 * An entry of the method's own code, to its real end: that of an attempt which was given up comes after that of its call.
 * The raw channel has the same object at `start` and at the end, as with calls.
 */
export interface AttemptEvent extends OfAttempt {
  readonly type: 'attempt';
  /** Which run of the attempt it is: 0 for the first, n for its n-th hedge. */
  readonly hedge: number;
  /** From the entry of the code to its end, in milliseconds, without waits; undefined while it runs. */
  readonly duration: number | undefined;
  /** How its code ended; undefined while it runs. */
  readonly outcome: 'ok' | 'error' | undefined;
  /** Whether nobody waited for it any more when it ended: its caller left, or a timeout or a hedge gave it up. */
  readonly abandoned: boolean;
  /** What it threw; undefined while it runs, and where it gave a value. */
  readonly error: unknown;
  /** What the code got; there only while `captureArguments(true)` holds. */
  readonly args?: readonly unknown[];
  /** What it gave; there only while `captureArguments(true)` holds. */
  readonly result?: unknown;
}

/** A wait has ended: in line for a permit, a slot or a worker, or between two attempts. */
export interface WaitEvent extends OfAttempt {
  readonly type: 'wait';
  /** What it waited for: `'rateLimit'`, `'concurrency'`, `'cpuBound'`, or `'retry'` for the time between two attempts. */
  readonly policy: PolicyKind;
  /** How long, in milliseconds. */
  readonly duration: number;
  /** What put an end to it before its time, as an abort or a full queue; undefined where it got what it waited for. */
  readonly error: unknown;
}

/** An attempt has failed, and another one follows after `delay`. Comes before the wait. */
export interface RetryingEvent extends OfAttempt {
  readonly type: 'retry';
  readonly policy: 'retry';
  /** The wait before the next attempt, in milliseconds. */
  readonly delay: number;
  /** What the attempt failed with; undefined where `retryResult` refused its value. */
  readonly error: unknown;
}

/** Something is about to stand in for the method, which has failed. */
export interface FallingBackEvent extends OfAttempt {
  readonly type: 'fallback';
  readonly policy: 'fallback';
  /** What: the name of a method or a function, `'value'` for the constant, `'rotate'` for a further value of an argument. */
  readonly alternative: string;
  /** What led to it. */
  readonly error: unknown;
}

/** An attempt was turned away by the pipeline: by a full queue, after too long a wait, or by a circuit. */
export interface RejectEvent extends OfAttempt {
  readonly type: 'reject';
  /** The kind that turned it away. */
  readonly policy: string;
  /** Why: `'queue-full'`, `'wait-timeout'`; of a circuit `'open'`, `'half-open'`, `'isolated'`. */
  readonly reason: string;
  /** When there is going to be room, in milliseconds, where that is known. */
  readonly retryAfter: number | undefined;
  /** The RejectedError. */
  readonly error: unknown;
}

/** The states of a circuit. */
type CircuitStateName = 'closed' | 'open' | 'half-open' | 'isolated';

/** A circuit has changed. */
export interface CircuitChangeEvent extends OfMethod {
  readonly type: 'circuit';
  readonly policy: 'circuitBreaker';
  /** The call that changed it; undefined where that was done by hand. */
  readonly callId: number | undefined;
  readonly from: CircuitStateName;
  readonly to: CircuitStateName;
  /** What opened it; undefined where nothing did. */
  readonly error: unknown;
}

/** A hedge has begun: a further run of an attempt that has not succeeded yet. */
export interface HedgingEvent extends OfAttempt {
  readonly type: 'hedge';
  readonly policy: 'hedge';
  /** Which hedge of the attempt, from 1. */
  readonly hedge: number;
  /** How long after the run before it was due, in milliseconds. */
  readonly delay: number;
  /** The failure that had it begin at once; undefined where its time had come. */
  readonly error: unknown;
}

/** What a cache, or `@singleFlight`, had for a call. */
export interface CacheEvent extends OfCall {
  readonly type: 'cache';
  readonly policy: 'cache' | 'singleFlight';
  /**
   * `'hit'`: a value that is not stale; `'stale'`: a stale one; `'miss'`: nothing, and it begins a run; `'coalesced'`: a run
   * that another call has begun.
   */
  readonly outcome: 'hit' | 'stale' | 'miss' | 'coalesced';
}

/** An adaptive limit has moved by itself. */
export interface LimitEvent extends OfCall {
  readonly type: 'limit';
  readonly policy: 'concurrency';
  /** The limit before. */
  readonly from: number;
  /** The limit from now on. */
  readonly to: number;
}

/** A store that processes share does, or does not, what is asked of it. */
export interface StoreEvent {
  readonly type: 'store';
  /** What is told of: `'memoryStore'`, or `'redisStore:opero'` with the prefix of its keys. */
  readonly store: string;
  /** The name of the limit that was asked for; undefined where it is about the store itself. */
  readonly name: string | undefined;
  /** The key of that limit; undefined where it has none. */
  readonly key: string | undefined;
  /** The kind of that limit; undefined where it is about the store itself. */
  readonly policy: 'rateLimit' | 'concurrency' | undefined;
  /**
   * What has come to pass: `'trip'`, it has answered; `'down'`, `'up'`; or another thing that the store says of itself.
   */
  readonly state: string;
  /** Of a `'trip'`, from the question to the answer; of `'up'`, how long it was down; in milliseconds. */
  readonly duration: number | undefined;
  /** What it failed with; undefined where nothing did. */
  readonly error: unknown;
}

/** A lease that a process holds in a store has begun, ended, or been lost. */
export interface LeaseEvent {
  readonly type: 'lease';
  /** The store that it is held in, called as in a `StoreEvent`. */
  readonly store: string;
  /** The name of the limit that it is of. */
  readonly name: string;
  /** The key of that limit; undefined where it has none. */
  readonly key: string | undefined;
  /** What has come to pass: `'taken'`, `'released'`, `'lost'`, or another thing that the store says of it. */
  readonly state: string;
  readonly error: unknown;
}

/** A job of a queued method is on its way, or something is the matter with it. */
export interface JobEvent extends OfMethod {
  readonly type: 'job';
  /** The call that waits for it; undefined where none does. */
  readonly callId: number | undefined;
  /** The name of its queue. */
  readonly queue: string;
  /** Its name in the queue; undefined before it has one. */
  readonly jobId: string | undefined;
  /**
   * What has come to pass. For who sent it: `'queued'`; then `'done'`, its worker has answered, `'lost'`, or `'failed'`, it
   * came to no answer. Where it is served: `'running'`, then `'ran'`. Of a queue: `'no-worker'`, `'error'`.
   */
  readonly state: string;
  /** How it ended, once it has: for its call, or, with `'ran'`, for its worker; else undefined. */
  readonly outcome: CallOutcome | 'lost' | undefined;
  /**
   * From the sending to the end of it for its call, or, with `'ran'`, of its run alone; in milliseconds. Undefined before its
   * end, and where nobody listened when that began.
   */
  readonly duration: number | undefined;
  readonly error: unknown;
}

/**
 * The payload of each kind of event.
 *
 * @example
 * const told = ({ method, delay }: Events['retry']) => console.log(`${method} again in ${delay} ms`);
 */
export interface Events {
  /** A call has ended. */
  readonly call: CallEvent;
  /** An entry of the method's own code has really ended. */
  readonly attempt: AttemptEvent;
  /** A wait has ended. */
  readonly wait: WaitEvent;
  /** An attempt has failed, and another one follows. */
  readonly retry: RetryingEvent;
  /** Something is about to stand in for the method. */
  readonly fallback: FallingBackEvent;
  /** An attempt was turned away. */
  readonly reject: RejectEvent;
  /** A circuit has changed. */
  readonly circuit: CircuitChangeEvent;
  /** A hedge has begun. */
  readonly hedge: HedgingEvent;
  /** What a cache, or `@singleFlight`, had for a call. */
  readonly cache: CacheEvent;
  /** An adaptive limit has moved. */
  readonly limit: LimitEvent;
  /** A store that processes share says something of itself. */
  readonly store: StoreEvent;
  /** A lease has begun, ended, or been lost. */
  readonly lease: LeaseEvent;
  /** A job of a queued method says something of itself. */
  readonly job: JobEvent;
}

/**
 * The kinds of event; each has a channel of its name: `opero:retry`.
 *
 * @example
 * const kinds: EventKind[] = ['retry', 'fallback', 'reject'];
 */
export type EventKind = keyof Events;

/**
 * The payload of events of a kind; without one, of any: `type` tells them apart.
 *
 * @example
 * const told = (event: OperoEvent) => {
 *   if (event.type === 'retry') console.log(event.delay);
 * };
 */
export type OperoEvent<Kind extends EventKind = EventKind> = Events[Kind];
