import { strict as assert } from 'node:assert';
import { after, afterEach, before, beforeEach, describe, test } from 'node:test';
import { concurrency, currentCall, retry } from 'opero';
import { startView, type View } from 'opero/view';
import type { Browser, Page } from 'playwright-core';
import { launch, noBrowser, open, type Seen, screenshot } from '../support/chromium.js';
import * as inPage from '../support/in-page.js';
import { startBusyShop, type Viewed } from '../support/viewed-program.js';

const skip = noBrowser ?? false;

let browser: Browser;
before(async () => {
  if (noBrowser === undefined) browser = await launch();
});
after(() => browser?.close());

const rowOf = (page: Page, name: string) =>
  page.getByRole('row').filter({ has: page.getByRole('button', { name, exact: true }) });
/** Waits until so many methods are shown. */
const shown = (page: Page, count: number): Promise<void> =>
  page.locator(`table[aria-rowcount="${count + 1}"]`).waitFor();
const cellOf = (page: Page, name: string, key: string) => rowOf(page, name).locator(`.${key}`);

describe('the page of a view', { skip }, () => {
  let shop: Viewed;
  let seen: Seen;
  let page: Page;
  before(async () => {
    shop = await startBusyShop({ controls: true });
  });
  after(() => shop?.kill());
  beforeEach(async () => {
    seen = await open(browser, shop.url);
    page = seen.page;
    await rowOf(page, 'Weather.forecast').waitFor();
  });
  afterEach(async () => {
    const { complaints } = seen;
    await page.close();
    assert.deepEqual(complaints, []);
  });

  test('shows each method, and what it does', async () => {
    const names = await page.getByRole('rowheader').allInnerTexts();
    assert.equal(names.length, 8);
    assert.match(
      names[0] ?? '',
      /^AlpineWeather\.forecast\s+fallback · retry · circuitBreaker · timeout · rateLimit · concurrency$/,
    );
    await cellOf(page, 'Weather.forecast', 'rate')
      .getByText(/^[1-9]/)
      .waitFor();
    assert.match(await cellOf(page, 'Weather.forecast', 'rate').innerText(), /^\d/);
    assert.match(await cellOf(page, 'Weather.forecast', 'p99').innerText(), /\d+\s(ms|s)$/);
    assert.match(await cellOf(page, 'Weather.forecast', 'limit').innerText(), /^\d of 8$/);
    await cellOf(page, 'Weather.forecast', 'retries').getByText('HttpError').waitFor();
    await cellOf(page, 'Weather.warnings', 'rejected').getByText('queue-full').waitFor();
    await cellOf(page, 'Payments.charge', 'circuit').getByText('open').waitFor();
    await cellOf(page, 'Payments.charge', 'error').getByText('CircuitOpenError').waitFor();
    await page
      .getByRole('img', { name: /^up to .+ calls a second in the last minute$/ })
      .first()
      .waitFor();
  });

  test('asks its own server alone', () => {
    assert.ok(seen.asked.length >= 2);
    assert.deepEqual(
      seen.asked.filter((address) => !address.startsWith(`${shop.url}/`) && !address.startsWith('data:')),
      [],
    );
  });

  test('is a table to who hears it', async () => {
    assert.equal(await page.getByRole('table', { name: 'Methods' }).count(), 1);
    assert.equal(await page.getByRole('columnheader').count(), 13);
    assert.equal(await page.getByRole('table').getAttribute('aria-rowcount'), '9');
    const row = rowOf(page, 'Payments.report');
    assert.equal(await row.getByRole('cell').count(), 12);
    assert.equal(await row.getAttribute('aria-rowindex'), '6');
    assert.equal(await page.locator('[role=status][aria-live=polite]').count(), 1);
  });

  test('sorts by a column, and the other way round', async () => {
    const names = async (): Promise<string[]> =>
      (await page.getByRole('rowheader').allInnerTexts()).map((text) => text.split('\n')[0] ?? '');
    const head = page.getByRole('columnheader', { name: 'Circuit' });
    await head.getByRole('button').click();
    assert.equal(await head.getAttribute('aria-sort'), 'descending');
    await page.locator('tbody tr[aria-rowindex="2"]').getByText('charge').waitFor();
    await head.getByRole('button').click();
    assert.equal(await head.getAttribute('aria-sort'), 'ascending');
    await page.locator('tbody tr[aria-rowindex="9"]').getByText('charge').waitFor();
    assert.equal((await names()).length, 8);
  });

  test('finds methods by name and by policy, and shows those alone that are in trouble', async () => {
    await page.keyboard.press('/');
    await page.keyboard.type('alpine fore');
    await shown(page, 1);
    await page.getByLabel('Search methods').fill('no such thing');
    await page.getByText('No method is called like “no such thing”.').waitFor();
    await page.getByLabel('Search methods').fill('');
    await page.getByRole('radio', { name: 'In trouble' }).check();
    await rowOf(page, 'Payments.report').waitFor({ state: 'hidden' });
    assert.equal(await rowOf(page, 'Payments.charge').count(), 1);
    assert.equal(await rowOf(page, 'Payments.report').count(), 0);
  });

  test('is used by keyboard: rows by arrows, details by Enter, back by Escape', async () => {
    await page.getByRole('button', { name: 'AlpineWeather.forecast', exact: true }).focus();
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('ArrowDown');
    const focused = (): Promise<string | null> => page.evaluate(inPage.focused);
    assert.equal(await focused(), 'Payments.charge');
    await page.keyboard.press('Enter');
    await page.getByRole('region', { name: 'Payments.charge' }).waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('region').waitFor({ state: 'hidden' });
    assert.equal(await focused(), 'Payments.charge');
    await page.keyboard.press('End');
    assert.equal(await focused(), 'Weather.warnings');
  });

  test('draws the last ten minutes of a method, which can be read second by second', async () => {
    await page.getByRole('button', { name: 'Weather.forecast', exact: true }).click();
    const plot = page.getByRole('img', { name: /^Calls a second, last ten minutes\. ended [\d.]+, failed/ });
    await plot.waitFor();
    await page.waitForFunction(inPage.hasLine);
    await plot.focus();
    await page.keyboard.press('ArrowLeft');
    await page.locator('.plot').first().getByText('0:05 ago').waitFor();
    await page.getByRole('list').first().getByText('HttpError').waitFor();
  });

  test('isolates a circuit, and ends that; pauses a limit, and resumes it', async () => {
    await page.getByRole('button', { name: 'AlpineWeather.forecast', exact: true }).click();
    await page.getByRole('button', { name: 'Isolate the circuit' }).click();
    await cellOf(page, 'AlpineWeather.forecast', 'circuit').getByText('isolated').waitFor();
    await page.getByRole('button', { name: 'End the isolation' }).click();
    await page.getByRole('button', { name: 'Isolate the circuit' }).waitFor();
    await page.getByRole('button', { name: 'Payments.refund', exact: true }).click();
    await page.getByRole('button', { name: 'Pause the limit' }).click();
    await cellOf(page, 'Payments.refund', 'limit').getByText('paused').waitFor();
    await page.getByRole('button', { name: 'Resume the limit' }).click();
    await page.getByRole('button', { name: 'Pause the limit' }).waitFor();
    assert.equal(await page.getByRole('button', { name: 'Isolate the circuit' }).count(), 0);
  });

  test('keeps what was chosen when it is loaded again', async () => {
    await page.getByRole('button', { name: 'Weather.warnings', exact: true }).click();
    await page.reload();
    await page.getByRole('region', { name: 'Weather.warnings' }).waitFor();
  });
});

describe('the page of a view, for the eye', { skip }, () => {
  let shop: Viewed;
  before(async () => {
    shop = await startBusyShop({ controls: true });
  });
  after(() => shop?.kill());

  const sizes = { wide: [1440, 900], half: [820, 900], telephone: [360, 740] } as const;
  for (const [size, [width, height]] of Object.entries(sizes)) {
    for (const colorScheme of ['light', 'dark'] as const) {
      test(`fits ${width} pixels, ${colorScheme}: a picture is kept`, async () => {
        const { page, complaints } = await open(browser, shop.url, { viewport: { width, height }, colorScheme });
        await rowOf(page, 'Weather.forecast').waitFor();
        await cellOf(page, 'Weather.forecast', 'error')
          .locator('.main')
          .getByText(/Error$/)
          .waitFor();
        await screenshot(page, `${size}-${colorScheme}`);
        await page.getByRole('button', { name: 'Weather.forecast', exact: true }).click();
        await page.waitForFunction(inPage.hasLine);
        await screenshot(page, `${size}-${colorScheme}-details`);
        assert.deepEqual(await page.evaluate(inPage.overflowing), []);
        const background = await page.evaluate(inPage.background);
        const [red = 0] = background.match(/\d+/g)?.map(Number) ?? [];
        assert.equal(red > 128 ? 'light' : 'dark', colorScheme);
        await page.close();
        assert.deepEqual(complaints, []);
      });
    }
  }
});

describe('a program that goes', { skip }, () => {
  test('is told of, and the page goes on by itself once it is there again', async () => {
    const shop = await startBusyShop();
    const { page } = await open(browser, shop.url);
    await rowOf(page, 'Weather.forecast').waitFor();
    await page.getByRole('button', { name: 'Weather.forecast', exact: true }).click();
    await page.getByText('live', { exact: true }).waitFor();
    await shop.kill();
    await page
      .getByText(/^The program has gone, or cannot be reached\. What stands here is from .+ ago\. Asking again …$/)
      .waitFor();
    await page.getByRole('status').filter({ hasText: 'The program has gone.' }).waitFor();
    assert.match(await page.title(), /^\(gone\) /);
    await screenshot(page, 'gone');
    const again = await startBusyShop({ port: Number(new URL(shop.url).port) });
    await page.getByRole('status').filter({ hasText: 'The program is there again.' }).waitFor();
    await page
      .getByText(/^The program has gone/)
      .first()
      .waitFor({ state: 'hidden' });
    await page.getByRole('region', { name: 'Weather.forecast' }).waitFor();
    await page.close();
    await again.kill();
  });

  test('or is stopped is told of, too', async () => {
    const shop = await startBusyShop();
    const { page } = await open(browser, shop.url);
    await rowOf(page, 'Weather.forecast').waitFor();
    shop.child.kill('SIGSTOP');
    await page.getByText(/^No news for .+: the program is busy, or it was stopped\.$/).waitFor();
    shop.child.kill('SIGCONT');
    await page.getByText('live', { exact: true }).waitFor();
    await page.close();
    await shop.kill();
  });
});

describe('names that would do harm', { skip }, () => {
  let view: View;
  before(async () => {
    view = await startView({ token: 'a/b+c' });
  });
  after(() => view.close());

  test('stand there as text, of classes, methods, errors and policies alike', async () => {
    const harm = '<img src=x onerror="document.title=`harmed`"><script>document.title="harmed"</script>';
    class Named {
      @retry({ maxAttempts: 2, waitMin: 0 })
      @concurrency(1)
      async [`${harm}method`](): Promise<never> {
        currentCall();
        throw new (Object.defineProperty(class extends Error {}, 'name', { value: harm }))();
      }
    }
    Object.defineProperty(Named, 'name', { value: `${harm}class` });
    const { page, complaints } = await open(browser, `${view.url}/?token=a%2Fb%2Bc`);
    const call = Reflect.get(new Named(), `${harm}method`) as () => Promise<never>;
    await call().catch(() => {});
    const button = page.getByRole('button', { name: `${harm}class.${harm}method`, exact: true });
    await button.click();
    await page.getByRole('heading', { name: `${harm}class.${harm}method`, exact: true }).waitFor();
    await page.getByRole('list').first().getByText(harm).waitFor();
    assert.equal(await page.locator('main img, main script').count(), 0);
    assert.doesNotMatch(await page.title(), /harmed/);
    assert.equal(await page.locator('.cell.error .main').filter({ hasText: harm }).count(), 1);
    assert.deepEqual(complaints, []);
    await page.close();
  });

  test('do not take one method for another that is called alike', async () => {
    class Twin {
      @retry(1)
      async get(): Promise<void> {}
      @retry({ maxAttempts: 1, waitMin: 1 })
      @concurrency(1)
      static async get(): Promise<void> {}
    }
    class Dotted {
      @retry(1)
      async 'b.c'(): Promise<void> {}
    }
    class Other {
      @concurrency(1)
      async c(): Promise<void> {}
    }
    Object.defineProperty(Dotted, 'name', { value: 'a' });
    Object.defineProperty(Other, 'name', { value: 'a.b' });
    await Promise.all([new Twin().get(), Twin.get(), new Dotted()['b.c'](), new Other().c()]);
    const { page } = await open(browser, `${view.url}/?token=a%2Fb%2Bc`);
    for (const [name, place, policies] of [
      ['Twin.get', 0, 'retry'],
      ['static Twin.get', 0, 'retry › concurrency'],
      ['a.b.c', 0, undefined],
      ['a.b.c', 1, undefined],
    ] as const) {
      const row = rowOf(page, name).nth(place);
      const own = policies ?? (await row.locator('.name .under').innerText());
      await row.getByRole('button').click();
      assert.equal(await page.locator('.row.selected').count(), 1, name);
      assert.equal(await page.locator('#detail-name').innerText(), name);
      assert.equal(await page.locator('#detail-policies').innerText(), own);
      await page.reload();
      await page.getByRole('heading', { name, exact: true }).waitFor();
      assert.equal(await page.locator('#detail-policies').innerText(), own);
      await page.keyboard.press('Escape');
    }
    await page.close();
  });

  test('a token in the address goes with everything that the page asks, and to nobody else', async () => {
    const { page, complaints, asked } = await open(browser, `${view.url}/?token=a%2Fb%2Bc`);
    await page.getByText('live', { exact: true }).waitFor();
    const events = new URL(asked.find((address) => address.includes('/events')) ?? '');
    assert.equal(events.searchParams.get('token'), 'a/b+c');
    assert.equal(await page.evaluate(inPage.referrer), '');
    assert.deepEqual(complaints, []);
    await page.close();
    const refused = await open(browser, view.url);
    assert.match(await refused.page.innerText('body'), /asks for its token/);
    await refused.page.close();
  });
});

describe('a thousand methods', { skip }, () => {
  test('do not keep the page from its frames', async (t) => {
    const shop = await startBusyShop({ many: 1000 });
    const { page, complaints } = await open(browser, shop.url);
    await page
      .locator('#count-all')
      .getByText(/^1[0-9][0-9][0-9]$/)
      .waitFor();
    await page.getByRole('button', { name: 'Service0005.run', exact: true }).click();
    const rows = await page.locator('tbody tr').count();
    assert.ok(rows < 60, `${rows} rows are there at a time`);
    const seen = await page.evaluate(inPage.scrollFor, 6000);
    const ms = (value: number): string => `${value.toFixed(1)} ms`;
    const longest = Math.max(0, ...seen.tasks);
    t.diagnostic(
      `1,000 methods, scrolled for 6 s: ${seen.frames} frames, p50 ${ms(seen.p50)}, p99 ${ms(seen.p99)}, longest ${ms(seen.longest)}; ${seen.tasks.length} tasks of more than 50 ms, the longest ${ms(longest)}`,
    );
    assert.ok(seen.frames > 10);
    await page.evaluate(inPage.scrollTo, 20_000);
    await screenshot(page, 'thousand');
    await page.getByLabel('Search methods').fill('service0777');
    await rowOf(page, 'Service0777.run').waitFor();
    await page.close();
    await shop.kill();
    assert.deepEqual(complaints, []);
  });
});
