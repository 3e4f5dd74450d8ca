/** `@retry` calls a method again when it fails, and tells which errors are worth another attempt. */
import { currentCall, RetryError, retry } from 'opero';

class HttpError extends Error {
  constructor(readonly status: number) {
    super(`the server said ${status}`);
  }
}

/** Answers 503 twice, then 200. */
const answers = [503, 503, 200];

class Weather {
  @retry({
    maxAttempts: 4,
    waitMin: 10,
    retryOn: (error) => error instanceof HttpError && error.status >= 500,
    onRetry: ({ attempt, error }) => console.log(`attempt ${attempt} failed: ${(error as Error).message}`),
  })
  async forecast(city: string): Promise<string> {
    const { attempt } = currentCall();
    const status = answers.shift() ?? 200;
    if (status !== 200) throw new HttpError(status);
    return `sun in ${city}, at attempt ${attempt}`;
  }

  @retry({ maxAttempts: 3, waitMin: 10, abortOn: RangeError })
  async history(year: number): Promise<string> {
    throw new RangeError(`no records of ${year}`);
  }

  /** With `rethrow: false` the errors of all attempts are kept. */
  @retry({ maxAttempts: 2, waitMin: 10, rethrow: false })
  async radar(): Promise<string> {
    throw new HttpError(500);
  }
}

const weather = new Weather();
console.log(await weather.forecast('Davos'));
await weather.history(1700).catch((error: RangeError) => console.log(`not retried: ${error.message}`));
try {
  await weather.radar();
} catch (error) {
  if (error instanceof RetryError) console.log(`${error.message}, ${error.errors.length} errors kept`);
}
