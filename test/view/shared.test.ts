import { strict as assert } from 'node:assert';
import { after, afterEach, before, beforeEach, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { type Clock, install } from '@sinonjs/fake-timers';
import { rateLimit } from 'opero';
import { queued } from 'opero/bullmq';
import { redisStore } from 'opero/redis';
import { startView, type View } from 'opero/view';
import type { Browser, Page } from 'playwright-core';
import type { Everything, Shared } from '../../src/view/protocol.js';
import { missing, RedisServer } from '../redis/support/server.js';
import { launch, noBrowser, open, screenshot } from '../support/chromium.js';
import * as inPage from '../support/in-page.js';
import { runNode } from '../support/run-program.js';
import { ask, listenTo } from '../support/view.js';
import { startBusyShop, startSharedShop, type Viewed } from '../support/viewed-program.js';

/** A Redis that answers, or does not, as the test has it. */
const sender = {
  isBroken: false,
  async send(args: readonly string[]): Promise<unknown> {
    if (this.isBroken) throw new RangeError('broken');
    // The answer to an ask for one permit: it may start at once.
    return args[0] === 'SET' ? 'OK' : [1_000_000, 0, 0, 1, 0, 1_000_000, 0, 1_000_000];
  },
};

describe('the view tells of stores and jobs', () => {
  let clock: Clock;
  let view: View;
  beforeEach(async () => {
    clock = install({ toFake: ['setTimeout', 'clearTimeout', 'Date', 'performance'] });
    sender.isBroken = false;
    view = await startView();
  });
  afterEach(async () => {
    await view.close();
    clock.uninstall();
  });
  const shared = async (): Promise<Shared> =>
    (JSON.parse((await ask(view.port, '/snapshot')).text) as Everything).shared;

  test('how often a store answers, whether it is down, since when and why', async () => {
    const store = redisStore(sender, { prefix: 'told', whenDown: 'open' });
    class Api {
      @rateLimit({ rate: 1000, store, name: 'api', key: (tenant: string) => tenant })
      async get(_tenant: string): Promise<void> {}
    }
    const told = async () => (await shared()).stores.find(({ name }) => name === 'redisStore:told');
    assert.deepEqual(await told(), { name: 'redisStore:told', limits: [], rate: 0, outages: 0, lostLeases: 0 });
    await new Api().get('acme');
    clock.tick(1000);
    const up = await told();
    assert.deepEqual([up?.limits, up?.downAt, (up?.rate ?? 0) > 0], [['api'], undefined, true]);
    assert.equal(typeof up?.p99, 'number');
    sender.isBroken = true;
    await new Api().get('umbrella');
    const down = await told();
    assert.deepEqual([down?.downAt, down?.reason, down?.outages], [Date.now(), 'RangeError', 1]);
    assert.doesNotMatch(JSON.stringify(await shared()), /acme|umbrella/);
    await store.close();
    assert.equal(await told(), undefined);
  });

  test('what is different alone, with the changes', async () => {
    const store = redisStore(sender, { prefix: 'changing' });
    const listener = await listenTo(view);
    await listener.everything();
    clock.tick(1000);
    await listener.changes();
    clock.tick(1000);
    assert.equal((await listener.changes()).shared, undefined);
    await store.close();
    clock.tick(1000);
    const { shared: changed } = await listener.changes();
    assert.deepEqual(changed?.stores.filter(({ name }) => name === 'redisStore:changing') ?? 'none told', []);
    listener.close();
  });
});

describe('the part of stores and jobs', { skip: noBrowser ?? missing ?? false }, () => {
  let browser: Browser;
  let redis: RedisServer;
  let shop: Viewed;
  before(async () => {
    browser = await launch();
    redis = await RedisServer.start();
    shop = await startSharedShop(redis.port);
  });
  after(async () => {
    await shop?.kill();
    await browser?.close();
    await redis?.stop();
  });

  const rowOf = (page: Page, table: string, name: string) =>
    page
      .getByRole('table', { name: table })
      .getByRole('row')
      .filter({ has: page.getByRole('rowheader').filter({ hasText: name }) });
  /** The cell of a row beneath a head, once it says so. */
  const says = async (page: Page, table: string, name: string, head: string, words: RegExp): Promise<void> => {
    await rowOf(page, table, name).waitFor();
    const heads = await page.getByRole('table', { name: table }).getByRole('columnheader').allInnerTexts();
    assert.ok(heads.includes(head), `${head}: ${heads.join()}`);
    const cell = rowOf(page, table, name).locator('th, td').nth(heads.indexOf(head));
    await cell.locator('.main').filter({ hasText: words }).waitFor();
  };

  test('shows what this program sends and runs, by queue and method', async () => {
    const { page, complaints } = await open(browser, shop.url);
    await says(page, 'Stores', 'redisStore:shop', 'State', /^up$/);
    await says(page, 'Stores', 'redisStore:shop', 'Trips/s', /^[1-9]/);
    await says(page, 'Stores', 'redisStore:shop', 'p99', /(ms|µs)$/);
    await rowOf(page, 'Stores', 'redisStore:shop').getByText('crm-api · crm-slots').waitFor();
    await says(page, 'Stores', 'redisStore:legacy', 'State', /^down \d/);
    await rowOf(page, 'Stores', 'redisStore:legacy').getByText('RangeError').waitFor();
    await says(page, 'Jobs', 'Crm.sync', 'Ended/s', /^[1-9]/);
    await says(page, 'Jobs', 'Crm.sync', 'p50', /ms$/);
    await says(page, 'Jobs', 'Crm.sync', 'Failed', /^[1-9]/);
    await says(page, 'Jobs', 'Crm.sync', 'Failed here', /^[1-9]/);
    await says(page, 'Jobs', 'Reports.make', 'Waiting', /^3$/);
    await says(page, 'Jobs', 'Mails.send', 'Ran here', /^[1-9]/);
    await says(page, 'Jobs', 'Mails.send', 'Waiting', /^0$/);
    await page.getByText('1 of 2 stores down', { exact: true }).waitFor();
    await page.getByText(/^\d+ jobs? waited for · \d+ running here$/).waitFor();
    assert.deepEqual(complaints, []);
    await page.close();
  });

  const sizes = { wide: [1440, 900], half: [820, 900], telephone: [360, 740] } as const;
  for (const [size, [width, height]] of Object.entries(sizes)) {
    for (const colorScheme of ['light', 'dark'] as const) {
      test(`fits ${width} pixels, ${colorScheme}: a picture is kept`, async () => {
        const { page, complaints } = await open(browser, shop.url, { viewport: { width, height }, colorScheme });
        const summary = page.getByText('Stores and jobs', { exact: true });
        await summary.waitFor();
        // A telephone has little room: there it is closed at first.
        const isOpen = await page.getByRole('table', { name: 'Stores' }).isVisible();
        assert.equal(isOpen, size !== 'telephone');
        await page
          .getByText(/of 2 stores down/)
          .first()
          .waitFor();
        if (!isOpen) {
          await screenshot(page, `shared-${size}-${colorScheme}-closed`);
          await summary.click();
        }
        await rowOf(page, 'Jobs', 'Crm.sync').waitFor();
        await rowOf(page, 'Jobs', 'Crm.sync').getByText(/ms$/).first().waitFor();
        await screenshot(page, `shared-${size}-${colorScheme}`);
        assert.deepEqual(await page.evaluate(inPage.overflowing), []);
        // There is room for methods still.
        await page.getByRole('button', { name: 'Crm.get', exact: true }).waitFor();
        assert.ok(((await page.locator('#list').boundingBox())?.height ?? 0) >= 110);
        assert.deepEqual(complaints, []);
        await page.close();
      });
    }
  }

  test('is in the terminal, too', async () => {
    const command = fileURLToPath(new URL('../../../dist/view/opero.js', import.meta.url));
    const { code, stdout } = await runNode([command, 'top', shop.url]);
    assert.equal(code, 0);
    assert.match(stdout, /^store +state +trips\/s +p50 +p99 +outages +leases lost +limits$/m);
    assert.match(stdout, /^redisStore:shop +up +[\d.]+ .* crm-api crm-slots$/m);
    assert.match(stdout, /^redisStore:legacy +down /m);
    assert.match(stdout, /^jobs +sent +waiting +ended\/s +p50 +p99 +failed +lost +run here +ran here +failed here$/m);
    assert.match(stdout, /^crm: Crm\.sync +\d+ /m);
    for (const line of stdout.split('\n')) assert.ok(line.length <= 160, line);
  });

  test('tells of a store that goes down, and is up again', async () => {
    const { page, complaints } = await open(browser, shop.url);
    await says(page, 'Stores', 'redisStore:shop', 'State', /^up$/);
    await redis.kill();
    await says(page, 'Stores', 'redisStore:shop', 'State', /^down \d/);
    await page.getByText('2 of 2 stores down', { exact: true }).waitFor();
    await page.getByRole('status').filter({ hasText: '2 stores down.' }).waitFor();
    await redis.start();
    await says(page, 'Stores', 'redisStore:shop', 'State', /^up$/);
    await says(page, 'Stores', 'redisStore:shop', 'Outages', /^[1-9]/);
    assert.deepEqual(complaints, []);
    await page.close();
  });

  test('is not there where there are neither', async () => {
    const busy = await startBusyShop();
    const { page, complaints } = await open(browser, busy.url);
    await page.getByRole('button', { name: 'Weather.forecast', exact: true }).waitFor();
    assert.equal(await page.getByText('Stores and jobs').isVisible(), false);
    assert.equal(await page.getByRole('table').count(), 1);
    assert.deepEqual(complaints, []);
    await page.close();
    await busy.kill();
  });

  test('has names that would do harm as text', async () => {
    await using view = await startView();
    const harm = '<img src=x onerror="document.title=`harmed`">\x1b[2J';
    const store = redisStore(sender, { prefix: harm });
    class Named {
      @rateLimit({ rate: 1000, store, name: harm }) async get(): Promise<void> {}
      @queued({ name: 'harm', connection: () => ({ host: '127.0.0.1', port: redis.port }) })
      async run(_options: { signal: AbortSignal }): Promise<void> {}
    }
    Object.defineProperty(Named, 'name', { value: harm });
    const named = new Named();
    await named.get();
    const leaving = new AbortController();
    const call = named.run({ signal: leaving.signal });
    leaving.abort();
    await call.catch(() => {});
    const { page, complaints } = await open(browser, view.url);
    await rowOf(page, 'Stores', `redisStore:${harm}`).waitFor();
    await rowOf(page, 'Stores', `redisStore:${harm}`).locator('.under', { hasText: harm }).waitFor();
    await rowOf(page, 'Jobs', `${harm}.run`).waitFor();
    assert.equal(await page.locator('#shared img').count(), 0);
    assert.doesNotMatch(await page.title(), /harmed/);
    assert.deepEqual(complaints, []);
    await page.close();
    const command = fileURLToPath(new URL('../../../dist/view/opero.js', import.meta.url));
    const { stdout } = await runNode([command, 'top', view.url]);
    assert.match(stdout, /^redisStore:<img/m);
    assert.match(stdout, /^harm: <img/m);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: it is them that must not be there
    assert.doesNotMatch(stdout, /[\x00-\x09\x0b-\x1f\x7f-\x9f]/);
    await store.close();
  });

  test('tells methods apart that are called alike once class and method stand side by side', async () => {
    await using view = await startView();
    const connection = () => ({ host: '127.0.0.1', port: redis.port });
    class One {
      @queued({ name: 'alike', connection })
      async 'b.c'(_options: { signal: AbortSignal }): Promise<void> {}
    }
    class Other {
      @queued({ name: 'alike', connection })
      async c(_options: { signal: AbortSignal }): Promise<void> {}
    }
    Object.defineProperty(One, 'name', { value: 'a' });
    Object.defineProperty(Other, 'name', { value: 'a.b' });
    const leave = AbortSignal.timeout(0);
    await Promise.allSettled([new One()['b.c']({ signal: leave }), new Other().c({ signal: leave })]);
    const { page, complaints } = await open(browser, view.url);
    await rowOf(page, 'Jobs', 'a.b.c').nth(1).waitFor();
    assert.equal(await rowOf(page, 'Jobs', 'a.b.c').count(), 2);
    assert.deepEqual(complaints, []);
    await page.close();
  });

  test('has 200 methods with jobs at the most, and tells how many more there are', async () => {
    await using view = await startView();
    for (let each = 0; each < 205; each++) {
      const Many = {
        [`Many${each}`]: class {
          @queued({ name: 'many', connection: () => ({ host: '127.0.0.1', port: redis.port }) })
          async run(_options: { signal: AbortSignal }): Promise<void> {}
        },
      }[`Many${each}`] as new () => { run(options: { signal: AbortSignal }): Promise<void> };
      const leaving = new AbortController();
      const call = new Many().run({ signal: leaving.signal });
      leaving.abort();
      await call.catch(() => {});
    }
    const { shared } = JSON.parse((await ask(view.port, '/snapshot')).text) as Everything;
    assert.equal(shared.jobs.length, 200);
    assert.ok(shared.moreJobs >= 5);
    const { page } = await open(browser, view.url);
    await page.getByText(/\d+ further methods? not shown/).waitFor();
    await page.close();
  });
});
