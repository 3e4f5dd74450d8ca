import { strict as assert } from 'node:assert';
import { describe, test } from 'node:test';
import { runInNewContext } from 'node:vm';
import { captureArguments, circuitBreaker, fallback, type LogLine, logTo, retry } from 'opero';
import { flush, underFakeClock } from '../support/clock.js';

const failure = new Error('no weather');

class Logger {
  readonly lines: [level: string, line: LogLine, text: string][] = [];
  warn(line: LogLine, text: string): void {
    this.lines.push(['warn', line, text]);
  }
  info(line: LogLine, text: string): void {
    this.lines.push(['info', line, text]);
  }
  get texts(): string[] {
    return this.lines.map(([, , text]) => text);
  }
}

class Weather {
  @retry({ maxAttempts: 2, waitMin: 0 })
  async forecast(_city: string): Promise<string> {
    throw failure;
  }
  @fallback({ value: 'none' })
  async warnings(): Promise<string> {
    throw failure;
  }
  @circuitBreaker(1)
  async measure(): Promise<string> {
    throw failure;
  }
  @retry(1)
  async aborted(_options: { signal: AbortSignal }): Promise<void> {}
}

describe('logTo', () => {
  test('writes a line for each retry, fallback, rejection, change and failed call', async () => {
    await underFakeClock(async () => {
      const logger = new Logger();
      using _ = logTo(logger);
      using __ = captureArguments(true);
      const weather = new Weather();
      await assert.rejects(weather.forecast('secret'), failure);
      await weather.warnings();
      await assert.rejects(weather.measure(), failure);
      await assert.rejects(weather.measure(), { name: 'CircuitOpenError' });
      await assert.rejects(weather.aborted({ signal: AbortSignal.abort() }));
      assert.deepEqual(logger.texts, [
        'Weather.forecast: attempt 1 failed, the next in 0 ms',
        'Weather.forecast: failed after 0 ms',
        'Weather.warnings: falls back on value',
        'Weather.measure: its circuit was closed, is open',
        'Weather.measure: failed after 0 ms',
        'Weather.measure: turned away by circuitBreaker: open',
      ]);
      const [level, line] = logger.lines[0] ?? [];
      const { callId } = line ?? {};
      assert.equal(level, 'warn');
      assert.deepEqual(line, {
        event: 'retry',
        className: 'Weather',
        method: 'forecast',
        static: false,
        callId,
        attempt: 1,
        policy: 'retry',
        delay: 0,
        count: 1,
        err: failure,
      });
      assert.equal(JSON.stringify(logger.lines).includes('secret'), false);
    });
  });

  test('writes at most one line a second for a method and kind, with a count of what it stands for', async () => {
    await underFakeClock(async (clock) => {
      const logger = new Logger();
      const stop = logTo(logger, { level: 'info' });
      const weather = new Weather();
      const fail = async (): Promise<void> => assert.rejects(weather.forecast(''), failure);
      const counts = (): number[] =>
        logger.lines.filter(([, { event }]) => event === 'call').map(([, { count }]) => count);
      for (let i = 0; i < 5; i++) await fail();
      assert.deepEqual(counts(), [1]);
      clock.tick(999);
      assert.deepEqual(counts(), [1]);
      clock.tick(1);
      assert.deepEqual(counts(), [1, 4]);
      assert.equal(logger.texts.at(-1), 'Weather.forecast: failed after 0 ms (4 times)');
      clock.tick(500);
      await fail();
      clock.tick(500);
      assert.deepEqual(counts(), [1, 4, 1]);
      clock.tick(1000);
      assert.equal(clock.countTimers(), 0);
      await fail();
      await fail();
      await fail();
      assert.deepEqual(counts(), [1, 4, 1, 1]);
      stop();
      stop();
      assert.deepEqual(counts(), [1, 4, 1, 1, 2]);
      await fail();
      assert.deepEqual(counts(), [1, 4, 1, 1, 2]);
      assert.equal(clock.countTimers(), 0);
      assert.deepEqual([...new Set(logger.lines.map(([level]) => level))], ['info']);
    });
  });

  test('what the logger throws, or rejects with, touches nobody', async () => {
    const weather = new Weather();
    let written = 0;
    const stop = logTo({
      warn() {
        written++;
        throw failure;
      },
    });
    using _ = logTo({
      async warn() {
        throw failure;
      },
    });
    using _far = logTo({ warn: () => runInNewContext('Promise.reject(new Error("of another realm"))') });
    assert.equal(await weather.warnings(), 'none');
    stop();
    await flush();
    assert.equal(written, 1);
  });

  test('refuses a logger without the method', () => {
    assert.throws(() => logTo({} as never), {
      name: 'ConfigurationError',
      message: 'logTo(): expected the logger to have a method `warn`, got {}',
    });
    assert.throws(() => logTo(console, { level: 'loud' as 'warn' }), /a method `loud`/);
    assert.throws(() => logTo(console, { level: 1 as never }), /expected `level` to be the name of a method/);
    assert.throws(() => logTo(undefined as never), { name: 'ConfigurationError' });
  });
});
