import type { CallEvent } from '../core/events.js';
import type { MethodEntry } from '../telemetry/method-entry.js';
import { History, secondsOfHistory } from './history.js';
import { LatencyWindow, secondsKept } from './latency-window.js';
import type { HandsOn, MethodState, TenMinutes } from './protocol.js';
import { nameOfError, Reasons } from './reasons.js';
import { rounded } from './rounded.js';

/** What is kept of a method once it is called. */
interface Kept {
  readonly latency: LatencyWindow;
  readonly history: History;
}

/** One method of the view: what events told of it. Those of two classes of one name share one. */
export class Row {
  readonly #retriesBy = new Reasons();
  readonly #rejectedBy = new Reasons();
  #lastError: { readonly name: string; readonly at: number } | undefined;
  #failedAt: number | undefined;
  #calls = 0;
  #failed = 0;
  /** The same of the second that is over. */
  #last = { calls: 0, failed: 0 };
  #kept: Kept | undefined;
  /** For how many seconds it has been looked at, up to those that are kept. */
  #age = 0;
  /** The mean and the times of the last ten seconds. */
  #rate = 0;
  #p50: number | undefined;
  #p99: number | undefined;
  /** For how many seconds nothing was told of it. */
  silence = 0;

  constructor(
    readonly id: number,
    readonly className: string,
    readonly method: string,
    readonly isStatic: boolean,
  ) {}

  #keep(): Kept {
    this.#kept ??= { latency: new LatencyWindow(), history: new History(this.#age) };
    return this.#kept;
  }

  /** A call has ended. That its caller left it is no failure. */
  ended({ duration, outcome, error }: Pick<CallEvent, 'duration' | 'outcome' | 'error'>): void {
    this.#calls++;
    this.#keep().latency.add(duration ?? 0);
    if (outcome === 'ok' || outcome === 'aborted') return;
    this.#failed++;
    this.#failedAt = Date.now();
    this.failed(error);
  }

  /** Something has failed that may be tried again, or stood in for. */
  failed(error: unknown): void {
    this.#lastError = { name: nameOfError(error), at: Date.now() };
  }

  retried(error: unknown): void {
    this.#retriesBy.add(error === undefined ? 'the result' : nameOfError(error));
    if (error !== undefined) this.failed(error);
  }

  rejected(policy: string, reason: string): void {
    this.#rejectedBy.add(policy === 'circuitBreaker' ? `circuit ${reason}` : reason);
  }

  /** So many seconds are over. What they have brought is theirs in equal parts. */
  advance(seconds: number): void {
    this.silence = this.#calls === 0 ? this.silence + seconds : 0;
    this.#last = { calls: this.#calls / seconds, failed: this.#failed / seconds };
    this.#calls = 0;
    this.#failed = 0;
    for (let second = 0; second < seconds; second++) this.#endSecond();
  }

  #endSecond(): void {
    this.#age = Math.min(secondsOfHistory, this.#age + 1);
    if (this.#kept === undefined) return;
    const { latency, history } = this.#kept;
    this.#rate = latency.count / Math.min(secondsKept, this.#age);
    this.#p50 = latency.quantile(0.5);
    this.#p99 = latency.quantile(0.99);
    history.push({ ...this.#last, p50: this.#p50, p99: this.#p99 });
    latency.advance();
  }

  /** What there is to tell of it; `entry` is what `methods()` says. */
  state({ policies, stats }: MethodEntry, hands: HandsOn): MethodState {
    const { running, queued, limit, used, circuit, retries, rejected, fallbacks, failures } = stats;
    return {
      id: this.id,
      className: this.className,
      method: this.method,
      static: this.isStatic,
      policies,
      calls: rounded(this.#last.calls),
      failed: rounded(this.#last.failed),
      rate: rounded(this.#rate),
      p50: this.#p50 && rounded(this.#p50),
      p99: this.#p99 && rounded(this.#p99),
      ...{ running, queued, limit, used, circuit, retries, rejected, fallbacks, failures },
      retriesBy: this.#retriesBy.all,
      rejectedBy: this.#rejectedBy.all,
      lastError: this.#lastError,
      failedAt: this.#failedAt,
      hands,
    };
  }

  /** The calls of each second of the last minute; none where nothing was ever called. */
  get minute(): readonly number[] {
    return this.#kept?.history.lastCalls(60) ?? [];
  }

  get tenMinutes(): TenMinutes {
    return (this.#kept?.history ?? new History(this.#age)).all(this.id);
  }
}
