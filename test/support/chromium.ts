import { existsSync, mkdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';

/** Where Debian puts it, and where it is told to be. */
const executable = [process.env.CHROMIUM, '/usr/bin/chromium', '/usr/bin/chromium-browser'].find(
  (path) => path !== undefined && existsSync(path),
);

/** Why there is no browser to test with; undefined where there is one. `.ci/run` takes none for a failure. */
export const noBrowser =
  executable === undefined
    ? 'NOT RUN: no Chromium here. Install it (apt-get install chromium), or name its file in CHROMIUM.'
    : undefined;
if (noBrowser !== undefined && process.env.BROWSER_TESTS === 'required') throw new Error(noBrowser);
if (noBrowser !== undefined) console.error(`\n!! The tests in a browser were ${noBrowser}\n`);

const flags = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-dev-shm-usage',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--no-first-run',
];

export const launch = (): Promise<Browser> => chromium.launch({ executablePath: executable as string, args: flags });

/** A page of a browser of its own tab, and whatever it complains of. */
export interface Seen {
  readonly page: Page;
  /** Errors of scripts, and what the browser said on the console. */
  readonly complaints: string[];
  /** The addresses that it asked for something. */
  readonly asked: string[];
}

export async function open(browser: Browser, url: string, options: BrowserContextOptions = {}): Promise<Seen> {
  const page = await browser.newPage({ viewport: { width: 1440, height: 900 }, reducedMotion: 'reduce', ...options });
  page.setDefaultTimeout(20_000);
  const complaints: string[] = [];
  const asked: string[] = [];
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text());
  });
  page.on('request', (request) => asked.push(request.url()));
  await page.goto(url);
  return { page, complaints, asked };
}

/** Where pictures are kept, which a CI takes with it. */
export function screenshot(page: Page, name: string): Promise<Buffer> {
  const folder = fileURLToPath(new URL('../../screenshots/', import.meta.url));
  mkdirSync(folder, { recursive: true });
  return page.screenshot({ path: `${folder}${name}.png` });
}
