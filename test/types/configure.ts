/** What must compile of configurations. Compiled with the tests; nothing runs. */
import {
  type ConfigurableOptions,
  configure,
  configureFrom,
  type PolicyChanges,
  type RateLimitConfig,
  RetryBudget,
  retry,
  type Undo,
  unusedConfiguration,
} from 'opero';

class Weather {
  @retry(3)
  async forecast(_city: string): Promise<string> {
    return '';
  }
  @retry(3)
  static async open(): Promise<void> {}
}

abstract class Base {
  protected constructor() {}
  abstract load(): Promise<void>;
}

const mark = Symbol('mark');

type Json = string | number | boolean | null | Json[] | { [name: string]: Json };
declare const read: unknown;
declare const recursive: { [name: string]: Json };
declare const settings: { readonly policies?: Record<string, object>; readonly level: 'low' | 'high' };
/** Of the type that the compiler gives an imported JSON file. */
const imported = {
  'Weather.forecast': { retry: { maxAttempts: 3, jitter: 'full' }, concurrency: false, fallback: ['cached', 5] },
  '*': {},
};
const written = { 'Weather.forecast': { retry: { jitter: 'full' }, concurrency: false } } as const;

export function configurations(): void {
  const undo: Undo = configure(Weather, 'forecast', { retry: { maxAttempts: 5 } });
  undo();
  undo[Symbol.dispose]();
  using _until = configure(Weather, '#hidden', { retry: 5, fallback: false });
  configure(Weather, 'static open', {});
  configure(Weather, mark, { concurrency: { limit: 3, maxQueue: undefined } });
  configure(Base, '*', { rateLimit: { rate: 3, spread: true }, cpuBound: { maxWorkers: 2, state: ['grid'] } });
  configure(Weather, 'forecast', {
    fallback: ['cached', async (city: string) => city],
    retry: { onRetry: ({ attempt, delay }) => attempt + delay, retryOn: (error: Error) => error.message === 'down' },
  });
  configure(Weather, 'forecast', { fallback: { value: undefined } });
  const changes: PolicyChanges = { retry: { retryResult: (value: string) => value === '' }, cpuBound: false };
  configure(Weather, 'forecast', changes);
  configureFrom({ 'Weather.forecast': changes, 'Weather.*': { retry: 3 }, '*': {} });
  configureFrom({ 'Weather.forecast': { retry: { onRetry: ({ attempt, delay }) => attempt + delay } } });
  configureFrom({ 'Weather.forecast': { retry: { budget: new RetryBudget(), retryOn: [Error, TypeError] } } });
  configureFrom(JSON.parse('{}'));
  configureFrom(read);
  configureFrom(imported);
  configureFrom(settings.policies);
  configureFrom(recursive);
  configureFrom(written);
  const unused: string[] = unusedConfiguration();
  unused.push('');
}

export const limit: ConfigurableOptions<RateLimitConfig> = { per: 5 };
