/** What travels of a trace: the headers that propagators write. */
export type Carrier = Readonly<Record<string, string>>;

/** What OpenTelemetry's API, of whatever copy, keeps for all: what is registered, as far as it is needed here. */
interface Registered {
  readonly context?: {
    active(): unknown;
    with<Result>(context: unknown, fn: () => Result): Result;
  };
  readonly propagation?: {
    inject(context: unknown, carrier: object, setter: object): void;
    extract(context: unknown, carrier: object, getter: object): unknown;
  };
}

/** Where the API, from its version 1.0 on, keeps what is registered. */
const place = Symbol.for('opentelemetry.js.api.1');

const registered = (): Registered | undefined => Reflect.get(globalThis, place) as Registered | undefined;

const setter = {
  set(carrier: Map<string, string>, key: string, value: unknown): void {
    carrier.set(key, String(value));
  },
};

const getter = {
  get: (carrier: Carrier, key: string): string | undefined => (Object.hasOwn(carrier, key) ? carrier[key] : undefined),
  keys: (carrier: Carrier): string[] => Object.keys(carrier),
};

/** The trace that is active here, to be sent along; undefined where there is none, or nobody traces. */
export function traceHere(): Carrier | undefined {
  const { context, propagation } = registered() ?? {};
  if (context === undefined || propagation === undefined) return undefined;
  try {
    const carrier = new Map<string, string>();
    propagation.inject(context.active(), carrier, setter);
    return carrier.size === 0 ? undefined : Object.fromEntries(carrier);
  } catch {
    // A trace is never worth a call.
    return undefined;
  }
}

/** Runs `fn` in the trace that came along. */
export function withTrace<Result>(carrier: Carrier | undefined, fn: () => Result): Result {
  const { context, propagation } = registered() ?? {};
  if (carrier === undefined || context === undefined || propagation === undefined) return fn();
  let active: unknown;
  try {
    active = propagation.extract(context.active(), carrier, getter);
  } catch {
    return fn();
  }
  return context.with(active, fn);
}
