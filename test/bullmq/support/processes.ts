import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { redisPort } from './crm.js';

interface Message {
  readonly what: string;
  readonly jobId?: string;
}

const children = new Set<ChildProcess>();
process.on('exit', () => {
  for (const child of children) child.kill('SIGKILL');
});

/** A process of the tests that tells what it does. */
export class Process {
  readonly #child: ChildProcess;
  readonly #told: Message[] = [];
  readonly #ended: Promise<unknown>;
  #onTold: () => void = () => {};

  private constructor(program: string, args: readonly unknown[]) {
    const file = fileURLToPath(new URL(`./${program}.js`, import.meta.url));
    const { NODE_TEST_CONTEXT: _, ...env } = process.env;
    this.#child = fork(
      file,
      args.map((each) => JSON.stringify(each)),
      {
        env: { ...env, REDIS_PORT: String(redisPort.port) },
        execArgv: ['--enable-source-maps'],
      },
    );
    children.add(this.#child);
    this.#ended = once(this.#child, 'exit').then(() => {
      children.delete(this.#child);
      this.#onTold();
    });
    this.#child.on('message', (message: Message) => {
      this.#told.push(message);
      this.#onTold();
    });
  }

  /** A worker, once it takes jobs. */
  static async worker(options: object): Promise<Process> {
    const child = new Process('worker', [options]);
    await child.tells('ready');
    return child;
  }

  /** One that serves Traced, once it takes jobs. */
  static async tracedWorker(): Promise<Process> {
    const child = new Process('traced-worker', []);
    await child.tells('ready');
    return child;
  }

  static caller(...args: readonly unknown[]): Process {
    return new Process('caller', args);
  }

  get told(): readonly string[] {
    return this.#told.map(({ what }) => what);
  }

  /** Waits until it has told so; gives the id of the job that it told of. */
  async tells(what: string): Promise<string | undefined> {
    for (;;) {
      const found = this.#told.find((each) => each.what === what);
      if (found !== undefined) return found.jobId;
      if (!children.has(this.#child))
        throw new Error(`it ended before it told '${what}', but: ${this.told.join(', ')}`);
      await new Promise<void>((resolve) => {
        this.#onTold = resolve;
      });
    }
  }

  send(order: string): void {
    this.#child.send(order);
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Ends it by force, if it has not ended. */
  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#ended;
  }

  /** Waits for its end; gives its exit code. */
  async ends(): Promise<number | null> {
    await this.#ended;
    return this.#child.exitCode;
  }
}
