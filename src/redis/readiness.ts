/** Gives what settles when a client is ready; undefined where it is, or is not going to be by itself. One listener serves all. */
export function readiness(
  client: { on(event: string, listener: () => void): unknown },
  isReady: () => boolean,
): () => Promise<unknown> | undefined {
  let waiting: { readonly promise: Promise<void>; readonly resolve: () => void } | undefined;
  let isWatching = false;
  const settle = (): void => {
    waiting?.resolve();
    waiting = undefined;
  };
  return () => {
    if (isReady()) return undefined;
    if (!isWatching) client.on('ready', settle);
    isWatching = true;
    if (waiting === undefined) {
      let resolve!: () => void;
      const promise = new Promise<void>((done) => {
        resolve = done;
      });
      waiting = { promise, resolve };
    }
    return waiting.promise;
  };
}
