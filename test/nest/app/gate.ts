import type { INestApplication } from '@nestjs/common';

/** Holds whoever comes until it is opened. */
export class Gate {
  private readonly opening: Promise<void>;
  private readonly coming: Promise<void>;
  /** Lets all through, from now on. */
  open!: () => void;
  private come!: () => void;

  constructor() {
    this.opening = new Promise((resolve) => {
      this.open = resolve;
    });
    this.coming = new Promise((resolve) => {
      this.come = resolve;
    });
  }

  pass(): Promise<void> {
    this.come();
    return this.opening;
  }

  /** Settles when somebody has come. */
  reached(): Promise<void> {
    return this.coming;
  }
}

/** Opens a gate as soon as the server of a program takes no other requests. */
export function openWhenClosing(app: INestApplication, gate: Gate, onOpen: () => void = () => {}): void {
  const server = app.getHttpServer();
  const { close } = server;
  server.close = (...given: unknown[]) => {
    const closing = close.apply(server, given);
    onOpen();
    gate.open();
    return closing;
  };
}
