import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';

/** What a member is told to do. */
export type Order =
  | { readonly kind: 'saturate'; readonly depth: number; readonly aborts?: number }
  | { readonly kind: 'start'; readonly count: number }
  | { readonly kind: 'hold'; readonly count: number; readonly duration?: number }
  | { readonly kind: 'block'; readonly duration: number }
  | { readonly kind: 'cycle'; readonly depth: number; readonly duration: number }
  | { readonly kind: 'configure'; readonly rate: number }
  | { readonly kind: 'rest' | 'report' | 'close' | 'end' };

/** What a member tells. Times are milliseconds of the clock that all processes of a machine share. */
export type Told =
  | { readonly kind: 'ready' | 'done' | 'closed' | 'resting' }
  | { readonly kind: 'failed'; readonly name: string }
  | { readonly kind: 'event'; readonly type: string }
  | { readonly kind: 'start' | 'free'; readonly at: number }
  | { readonly kind: 'held'; readonly at: number; readonly fence: number | undefined }
  | Report;

export interface Report {
  readonly kind: 'report';
  readonly starts: readonly number[];
  readonly holds: readonly (readonly [number, number])[];
  readonly trips: number;
  readonly failed: number;
  /** Calls that were made by `saturate` and `cycle`, and that have got no answer. */
  readonly unanswered: number;
}

export interface Settings {
  readonly store?: object;
  readonly rate?: object;
  readonly slots?: object;
  /** Whether it tells of each start as it comes. */
  readonly live?: boolean;
}

/** A process that shares limits with others. */
export class Member {
  readonly told: Told[] = [];
  readonly #process: ChildProcess;
  #listeners = new Set<() => void>();

  private constructor(port: number, settings: Settings) {
    const program = new URL('../programs/member.js', import.meta.url);
    this.#process = fork(program, [String(port), JSON.stringify(settings)], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    this.#process.on('message', (told: Told) => {
      this.told.push(told);
      for (const each of [...this.#listeners]) each();
    });
  }

  static async start(port: number, settings: Settings): Promise<Member> {
    const member = new Member(port, settings);
    await member.count('ready', 1);
    return member;
  }

  order(order: Order): void {
    this.#process.send(order);
  }

  of<Kind extends Told['kind']>(kind: Kind): Extract<Told, { kind: Kind }>[] {
    return this.told.filter((each) => each.kind === kind) as Extract<Told, { kind: Kind }>[];
  }

  /** Waits until it has told so many of a kind. */
  async count(kind: Told['kind'], count: number): Promise<void> {
    await this.until(() => this.of(kind).length >= count);
  }

  async until(is: () => boolean): Promise<void> {
    await new Promise<void>((resolve) => {
      const look = (): void => {
        if (!is()) return;
        this.#listeners.delete(look);
        resolve();
      };
      this.#listeners.add(look);
      look();
    });
  }

  async report(): Promise<Report> {
    this.order({ kind: 'report' });
    await this.count('report', 1);
    return this.of('report')[0] as Report;
  }

  signal(name: NodeJS.Signals): void {
    this.#process.kill(name);
  }

  async end(): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    const gone = once(this.#process, 'exit');
    this.#process.kill('SIGKILL');
    await gone;
  }
}

/** The most starts in any window. */
export function mostIn(starts: readonly number[], window: number): number {
  const sorted = [...starts].sort((one, other) => one - other);
  let most = 0;
  let first = 0;
  for (const [at, time] of sorted.entries()) {
    while (time - (sorted[first] as number) >= window) first++;
    most = Math.max(most, at - first + 1);
  }
  return most;
}
