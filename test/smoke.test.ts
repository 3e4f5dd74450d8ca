import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import { concurrency, currentCall, explain, fallback, orchestrate, policiesOf, rateLimit, retry, statsOf } from 'opero';

class Weather {
  tries = 0;
  @retry({ maxAttempts: 4, waitMin: 1 })
  @rateLimit({ rate: 5 })
  @concurrency(3)
  @fallback('cached')
  async forecast(city: string, _options?: { signal?: AbortSignal }): Promise<string> {
    this.tries++;
    if (this.tries < 3) throw new Error(`no ${currentCall().attempt}`);
    return `sunny in ${city}`;
  }
  async cached(city: string): Promise<string> {
    return `cached ${city}`;
  }
  @orchestrate({ retry: 2, fallback: ['cached'] })
  async bad(_city: string): Promise<string> {
    throw new Error('bad');
  }
  @retry(2)
  async generic<T>(x: T): Promise<T[]> {
    return [x];
  }
}
class Alpine extends Weather {
  override async forecast(city: string) {
    return super.forecast(`${city}, alps`);
  }
}
@retry(2)
class Level {
  n = 0;
  async flaky() {
    if (this.n++ === 0) throw new Error('once');
    return this.n;
  }
}
class Sub extends Level {
  async other() {
    if (this.n++ === 0) throw new Error('once');
    return 'other';
  }
}

test('smoke', async () => {
  const w = new Alpine();
  assert.equal(await w.forecast('Davos'), 'sunny in Davos, alps');
  assert.equal(w.tries, 3);
  console.log(statsOf(w, 'forecast'), policiesOf(Alpine, 'forecast'));
  console.log(explain(Alpine));
  assert.equal(await w.bad('x'), 'cached x');
  const g: number[] = await w.generic(3);
  assert.deepEqual(g, [3]);
  const l = new Level();
  assert.equal(await l.flaky(), 2);
  assert.equal(l.constructor, Level);
  const s = new Sub();
  assert.equal(await s.other(), 'other');
  assert.ok(s instanceof Level);
  console.log(explain(s));
});
