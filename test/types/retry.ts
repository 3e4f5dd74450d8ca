/** What must compile of retry's delay, budget and jitter, of the guards and the helpers. Compiled with the tests; nothing runs. */
import {
  type AllFailedError,
  type ConfigurationError,
  type DelayEvent,
  type ErrorMatcher,
  type httpStatusOf,
  type ItemError,
  isAllFailedError,
  isCircuitOpenError,
  isConfigurationError,
  isItemError,
  isRejectedError,
  isRetryError,
  isTimeoutError,
  isTransient,
  isWorkerError,
  Orchestrator,
  orchestrate,
  parseRetryAfter,
  type RejectedError,
  RetryBudget,
  type RetryBudgetConfig,
  type RetryConfig,
  type RetryError,
  retry,
  statsOf,
  TimeoutError,
  type WorkerError,
} from 'opero';

/** Compiles when the two types are the same. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
const same = <A, B>(_is: Same<A, B>): void => {};

const budget = new RetryBudget();
const shared: RetryConfig = { budget, jitter: 'equal' };
export const budgetConfig: RetryBudgetConfig = { ratio: 0.1, minPerSecond: 0, ttl: 1 };
new RetryBudget({});
same<typeof budget.balance, number>(true);
same<ReturnType<typeof budget.withdraw>, boolean>(true);
same<ReturnType<typeof budget.deposit>, void>(true);

function delayOf(this: Api, { attempt }: DelayEvent): number {
  return attempt * this.base;
}

export class Api {
  readonly base = 100;

  @retry({ delay: () => 5 })
  async number(): Promise<void> {}
  @retry({ delay: parseRetryAfter })
  async asServerSays(): Promise<void> {}
  @retry({ delay: () => undefined })
  async nothing(): Promise<void> {}
  @retry({ delay: ({ attempt }) => attempt > 2 && undefined })
  async stops(): Promise<void> {}
  @retry({ delay: async ({ error }) => (isTransient(error) ? parseRetryAfter(error) : false) })
  async asynchronous(): Promise<void> {}
  @retry({
    delay: ({ attempt, error }) => {
      same<typeof attempt, number>(true);
      same<typeof error, unknown>(true);
      return false;
    },
  })
  async inferred(): Promise<void> {}
  @retry({ delay: delayOf })
  async receiver(): Promise<void> {}
  @retry({ budget, jitter: 'decorrelated', retryOn: isTransient, abortOn: isRejectedError })
  async budget(): Promise<void> {}
  @orchestrate({ retry: shared })
  async orchestrated(): Promise<void> {}
}

export const orchestrator = new Orchestrator({ retry: { budget, delay: ({ attempt }) => attempt } });
export const matchers: ErrorMatcher[] = [isTransient, isTimeoutError, TimeoutError, [TimeoutError]];
export const exceeded: number = statsOf(Api, 'budget').budgetExceeded;

export function guarded(error: unknown): void {
  if (isConfigurationError(error)) same<typeof error, ConfigurationError>(true);
  if (isRetryError(error)) same<typeof error, RetryError>(true);
  if (isAllFailedError(error)) same<typeof error, AllFailedError>(true);
  if (isRejectedError(error)) same<typeof error, RejectedError>(true);
  if (isWorkerError(error)) same<typeof error, WorkerError>(true);
  if (isItemError(error)) same<typeof error, ItemError>(true);
  if (isTimeoutError(error)) same<typeof error.scope, 'attempt' | 'total'>(true);
  if (isCircuitOpenError(error)) same<typeof error.reason, 'open' | 'half-open' | 'isolated'>(true);
  same<ReturnType<typeof httpStatusOf>, 429 | 503 | 504 | undefined>(true);
  same<ReturnType<typeof parseRetryAfter>, number | undefined>(true);
}
