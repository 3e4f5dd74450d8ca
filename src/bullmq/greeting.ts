import { node } from '../core/node.js';

/** Node's own, which no fake timers stand for. */
const { setTimeout, clearTimeout } = node('node:timers');

/** How long Redis may take to greet a new connection, in milliseconds. */
const patience = 10_000;

/** What of a client is needed here; node-redis is behind BullMQ's adapter. */
interface Greeted {
  readonly raw?: Pick<Greeted, 'on'>;
  readonly isCluster?: boolean;
  on(event: string, listener: () => void): unknown;
  disconnect(reconnect: boolean): void;
}

/** A client waits for ever for a greeting that was lost. From now on it connects anew where none comes in time. */
export function boundGreeting(given: unknown, longest = patience): void {
  const client = given as Greeted;
  // To be connected is as much as a cluster may come to.
  if (client.isCluster === true) return;
  let timer: ReturnType<typeof setTimeout> | undefined;
  (client.raw ?? client).on('connect', () => {
    clearTimeout(timer);
    timer = setTimeout(() => client.disconnect(true), longest).unref();
  });
  for (const event of ['ready', 'close', 'end']) client.on(event, () => clearTimeout(timer));
}
