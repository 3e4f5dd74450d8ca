/** The processes, as the demo has them. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Order, ProcessReport, Slowness, Told } from './record.js';

export class Member {
  readonly #child: ChildProcess;

  private constructor(
    readonly number: number,
    env: NodeJS.ProcessEnv,
  ) {
    const program = fileURLToPath(new URL('./process.js', import.meta.url));
    // Ctrl-C reaches the whole group, to which it does not belong: the demo ends it.
    const detached = true;
    this.#child = fork(program, { execArgv: [], detached, env: { ...process.env, ...env, MEMBER: String(number) } });
    process.once('exit', () => this.#child.kill('SIGKILL'));
  }

  /** Starts one, and waits until it is ready. */
  static async start(number: number, env: NodeJS.ProcessEnv): Promise<Member> {
    const member = new Member(number, env);
    if ((await member.#heard()) === undefined) throw new Error(`process ${number} ended too soon`);
    return member;
  }

  order(order: Order): void {
    if (this.#child.connected) this.#child.send(order);
  }

  /** How slow it was since it was told to watch that. */
  async slowness(): Promise<Slowness> {
    return ((await this.#answerTo('tell')) ?? { trip: 0, late: 0 }) as Slowness;
  }

  /** Lets it end what it does, and gives what it tells; undefined: it died before. */
  async rest(): Promise<ProcessReport | undefined> {
    const gone = once(this.#child, 'exit');
    const told = await this.#answerTo('rest');
    if (told !== undefined) await inTime(gone);
    return told as ProcessReport | undefined;
  }

  async kill(): Promise<void> {
    const gone = once(this.#child, 'exit');
    if (this.#child.kill('SIGKILL')) await gone;
  }

  async #answerTo(order: Order): Promise<Told | undefined> {
    if (!this.#child.connected) return undefined;
    const heard = this.#heard();
    this.order(order);
    return await inTime(heard);
  }

  #heard(): Promise<Told | undefined> {
    return new Promise((resolve) => {
      this.#child.once('message', (told: Told) => resolve(told));
      this.#child.once('exit', () => resolve(undefined));
    });
  }
}

/** Waits for half a minute at most. */
const inTime = <Value>(promise: Promise<Value>): Promise<Value | undefined> =>
  Promise.race([promise, sleep(30_000, undefined, { ref: false })]);
