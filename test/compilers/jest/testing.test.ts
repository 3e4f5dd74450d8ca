import { expect, jest, test } from '@jest/globals';
import { rateLimit, retry, statsOf } from 'opero';
import { failTimes, resetState, withoutPolicies, withoutWaits } from 'opero/testing';

class Weather {
  @retry({ maxAttempts: 4, waitMin: 60_000 })
  @rateLimit({ rate: 1, per: 60_000 })
  async forecast(city: string): Promise<string> {
    return `sun in ${city}`;
  }
}

async function assertAll(): Promise<void> {
  const waits = withoutWaits();
  resetState();
  const weather = new Weather();
  failTimes(Weather, 'forecast', 3, new Error('offline'));
  expect(await weather.forecast('Davos')).toBe('sun in Davos');
  expect(statsOf(Weather, 'forecast').attempts).toBe(4);
  const bare = withoutPolicies(Weather);
  expect(await weather.forecast('Chur')).toBe('sun in Chur');
  bare.restore();
  expect(statsOf(Weather, 'forecast').calls).toBe(1);
  waits.restore();
}

test('opero/testing works with real timers', assertAll);

test('opero/testing works with fake timers, which nobody moves on', async () => {
  jest.useFakeTimers();
  try {
    await assertAll();
  } finally {
    jest.useRealTimers();
  }
});
