/** Told of each message of a channel. */
export type Listener = (message: string, channel: string) => void;

/** What a store asks of whatever client it was given. */
export interface Connection {
  /** Sends a command, of which this is the first key. */
  send(key: string, args: readonly string[]): Promise<unknown>;
  /** Settles when commands can be sent; undefined: now. */
  ready(): Promise<unknown> | undefined;
  /** `ended` is told once nothing comes any more. */
  readonly subscribe:
    | ((channels: readonly string[], listener: Listener, ended: () => void) => Promise<() => unknown>)
    | undefined;
}
