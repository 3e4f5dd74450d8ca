import type { Policy } from '../core/call/policy.js';
import type { Placement } from '../core/member.js';

/** What a module exports, by name. */
export type Exports = Readonly<Record<string, unknown>>;

/** Which code to run: a decorated method, or an exported function. */
export interface Target {
  /** The module to import, as a URL or a specifier. */
  readonly module: string;
  /** For messages: `Weather.simulate`. */
  readonly label: string;
  /** The file that the program was started with, as a URL, if it was one. */
  readonly program?: string | undefined;
  readonly method?: MethodTarget;
  readonly fn?: FunctionTarget;
}

/** A method: found by the decorator that put it on a worker, which has the same mark on both sides. */
export interface MethodTarget {
  readonly mark: string;
  readonly name: string;
  readonly placement: Placement;
  /** The name of the class that carries the decorator. */
  readonly declaredBy: string;
  /** The classes that may run the call, the caller's own first; the one that carries the decorator comes after them. */
  readonly standIns: readonly Whereabouts[];
  /** What the caller's class overrides, for messages, so that the one that carries the decorator may not run the call. */
  readonly overridden: string | undefined;
  /** The members of its subclasses, which that one lacks. */
  readonly beyond: readonly string[];
}

/** An exported function. */
export interface FunctionTarget {
  readonly name: string;
  readonly at: Whereabouts;
}

/**
 * Where a module has something: under the name of an export; or, where the caller could not tell, among the exports
 * whose code looks like this; or nowhere.
 */
export type Whereabouts = { readonly export: string } | { readonly shape: string } | 'nowhere';

/** One call: the fields of `this`, the arguments, which attempt it is and what led to it. */
export interface JobMessage {
  readonly state: Readonly<Record<string, unknown>> | undefined;
  /** The fields of `this`, not among those, that stand before a member of its prototype. */
  readonly shadows?: readonly string[];
  readonly args: readonly unknown[];
  readonly attempt: number;
  /** Which hedge it is; left out where it is none. */
  readonly hedge?: number;
  readonly error: EncodedError | undefined;
}

/** What goes to a worker at once. */
export interface TaskMessage {
  /** A Target as JSON: cheap to send, and a key to what the worker has found already. */
  readonly target: string;
  readonly jobs: readonly JobMessage[];
  /** The memory of a Trace, for a thread. */
  readonly trace?: SharedArrayBuffer;
}

/** What a worker process tells of its task, beside its answer: as it enters the first job, and as it ends. */
export interface Report {
  readonly opero: 'report';
  /** How many jobs were entered so far. */
  readonly entered: number;
  /** Only as it ends. */
  readonly end?: LastWords;
}

/** Why a worker ends, as far as it knows. */
export interface LastWords {
  /** The error that nobody caught. */
  readonly thrown?: EncodedError;
  /** The frames of who called `process.exit()`. */
  readonly exit?: string;
}

/** How a class of errors is found on the other side: one that is built in, one of opero, or one of the program. */
export type ClassReference =
  | { readonly builtin: string }
  | { readonly own: number }
  /** By a name alone, where the other side is another program. */
  | { readonly named: string; readonly of: 'builtin' | 'opero' | 'program' }
  | {
      /** The name under which the module exports it. */
      readonly exported: string | undefined;
      /** Its key among those that the policies name. */
      readonly key: string | undefined;
      readonly name: string;
      readonly shape: string;
      /** Whether no other class known on this side has this shape. */
      readonly isOnly: boolean;
    };

/** Anything thrown, in a form that can be cloned. */
export type EncodedError =
  | { readonly kind: 'value'; readonly value: unknown }
  /** An error that is its own cause: the one that stands so many levels below the outermost. */
  | { readonly kind: 'again'; readonly level: number }
  | {
      readonly kind: 'error';
      /** The classes of the error, the most derived first, as far as they can be named. */
      readonly classes: readonly ClassReference[];
      readonly name: string;
      readonly message: string;
      readonly stack: string | undefined;
      readonly fields: Readonly<Record<string, unknown>>;
      /** The own fields, `cause` and `errors` among them, that are not enumerable. */
      readonly hidden?: readonly string[];
      readonly cause?: EncodedError;
      readonly errors?: readonly EncodedError[];
    };

/** What came of one call. */
export type Outcome =
  | { readonly value: unknown }
  | { readonly thrown: EncodedError }
  /** The call could not be made, or its result not be sent: the words for a WorkerError. */
  | { readonly problem: string; readonly cause?: EncodedError };

/** What a worker answers. */
export interface TaskReply {
  readonly outcomes: readonly Outcome[];
  /** How long the calls took together, in milliseconds. */
  readonly elapsed: number;
}

/** What the policy that `@cpuBound` records has beyond others. */
export interface CpuBoundPolicy extends Policy {
  /** Tells it from the others that name the same module; the same in every thread that loads that module. */
  readonly mark: string;
  readonly options: { readonly state: readonly string[] };
}
