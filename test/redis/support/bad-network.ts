import { once } from 'node:events';
import net from 'node:net';

/** Stands between clients and a server, and does to what passes what a bad network would. */
export class BadNetwork {
  /** How long each way takes, in milliseconds, and how much longer at random. Order is kept. */
  delay = 0;
  jitter = 0;
  /** Whether what is sent arrives nowhere, as nobody is told. */
  swallows: 'nothing' | 'all' | 'replies' = 'nothing';
  readonly #sockets = new Set<net.Socket>();
  /** Those that lead nowhere any more, as nobody is told. */
  readonly #lost = new WeakSet<net.Socket>();
  readonly #server: net.Server;
  #onSwallow = (): void => {};

  private constructor(
    /** The port of the server; where that changes, new connections go there. */
    public target: number,
  ) {
    this.#server = net.createServer((near) => {
      const far = net.connect(this.target, '127.0.0.1');
      for (const each of [near, far]) {
        this.#sockets.add(each);
        each.setNoDelay();
        each.on('error', () => {});
      }
      this.#pipe(near, far, false);
      this.#pipe(far, near, true);
    });
  }

  static async before(target: number): Promise<BadNetwork> {
    const network = new BadNetwork(target);
    network.#server.listen(0, '127.0.0.1');
    await once(network.#server, 'listening');
    return network;
  }

  get port(): number {
    return (this.#server.address() as net.AddressInfo).port;
  }

  #pipe(from: net.Socket, to: net.Socket, isReply: boolean): void {
    let due = 0;
    from.on('data', (data) => {
      if (this.#lost.has(from) || this.swallows === 'all' || (this.swallows === 'replies' && isReply)) {
        this.#onSwallow();
        return;
      }
      if (this.delay + this.jitter === 0 && due < performance.now()) {
        to.write(data);
        return;
      }
      due = Math.max(due, performance.now() + this.delay + Math.random() * this.jitter);
      setTimeout(() => to.writable && to.write(data), due - performance.now());
    });
    from.on('close', () => {
      this.#sockets.delete(from);
      to.destroy();
    });
  }

  /** Waits until something arrives nowhere. */
  swallowsData(): Promise<void> {
    return new Promise((resolve) => {
      this.#onSwallow = resolve;
    });
  }

  /** Forgets all connections that there are, as a router does that was restarted: what is sent arrives nowhere. */
  forget(): void {
    for (const each of this.#sockets) this.#lost.add(each);
  }

  /** Cuts all connections. */
  cut(): void {
    for (const each of this.#sockets) each.destroy();
  }

  async close(): Promise<void> {
    this.#server.close();
    this.cut();
    await once(this.#server, 'close');
  }
}
