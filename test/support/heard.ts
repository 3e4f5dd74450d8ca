import { type EventKind, type OperoEvent, on } from 'opero';

/** What was told of, from now until it is disposed. */
interface Heard extends Disposable {
  readonly events: readonly OperoEvent[];
  /** Those of a kind. */
  of<Kind extends EventKind>(kind: Kind): readonly OperoEvent<Kind>[];
  /** The kinds, in order. */
  readonly kinds: readonly EventKind[];
}

/** Listens to everything. */
export function hear(): Heard {
  const events: OperoEvent[] = [];
  const stop = on('*', (event) => events.push(event));
  return {
    events,
    of: <Kind extends EventKind>(kind: Kind) => events.filter(({ type }) => type === kind) as OperoEvent<Kind>[],
    get kinds() {
      return events.map(({ type }) => type);
    },
    [Symbol.dispose]: stop,
  };
}
