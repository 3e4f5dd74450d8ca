import { strict as assert } from 'node:assert';
import { execFile } from 'node:child_process';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { posix } from 'node:path/posix';
import { before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { type Page, pages, root, wordsOf } from './support/pages.js';

interface Link {
  readonly page: string;
  readonly target: string;
  /** The path in the repository of what it leads to. */
  readonly path: string;
  readonly anchor: string;
}

/** Where Markdown lets a link stand: `[text](target)`, `[name]: target`, and HTML. */
const forms = [/\]\(([^)\s]+)[^)]*\)/g, /^\[[^\]]+\]: (\S+)/gm, /\b(?:href|src)="([^"]+)"/g];

function linksOf(page: Page): Link[] {
  const words = wordsOf(page).replace(/`[^`]*`/g, '');
  const targets = forms.flatMap((form) => [...words.matchAll(form)].map(([, target = '']) => target));
  return targets
    .filter((target) => !/^[a-z]+:/.test(target))
    .map((target) => {
      const [file = '', anchor = ''] = target.split('#');
      const path = file === '' ? page.path : posix.join(posix.dirname(page.path), file).replace(/\/$/, '');
      return { page: page.path, target, path, anchor };
    });
}

/** The anchors that GitHub and npm make of the titles of a page. */
function anchorsOf(page: Page): Set<string> {
  const anchors = new Set<string>();
  for (const [, title = ''] of wordsOf(page).matchAll(/^#+ (.*)$/gm)) {
    const words = title.replace(/\[([^\]]*)\]\([^)]*\)/g, '$1').toLowerCase();
    const anchor = words.replace(/[^\p{L}\p{N}_ -]/gu, '').replaceAll(' ', '-');
    let again = 0;
    let free = anchor;
    while (anchors.has(free)) free = `${anchor}-${++again}`;
    anchors.add(free);
  }
  return anchors;
}

const links = pages.flatMap(linksOf);
const toldOf = (some: readonly Link[]): string[] => some.map(({ page, target }) => `${page}: ${target}`);

describe('a link of a page', () => {
  let shipped: readonly string[] = [];

  before(async () => {
    const { NODE_TEST_CONTEXT: _, ...env } = process.env;
    const { stdout } = await promisify(execFile)('npm', ['pack', '--dry-run', '--json'], { cwd: root, env });
    const told = JSON.parse(stdout) as unknown;
    const [{ files }] = (Array.isArray(told) ? told : Object.values(told as object)) as { files: { path: string }[] }[];
    shipped = files.map(({ path }) => path);
  });

  test('points to what exists', () => {
    assert.ok(links.length > 50, `${links.length} links`);
    assert.deepEqual(toldOf(links.filter(({ path }) => !existsSync(join(root, path)))), []);
  });

  test('points to a chapter that exists', () => {
    const anchors = new Map(pages.map((page) => [page.path, anchorsOf(page)]));
    const lost = links.filter(({ path, anchor }) => anchor !== '' && !anchors.get(path)?.has(anchor));
    assert.deepEqual(toldOf(lost), []);
  });

  test('points to what ships, where the page ships', () => {
    const ships = (path: string): boolean => shipped.some((file) => file === path || file.startsWith(`${path}/`));
    assert.deepEqual(toldOf(links.filter(({ page, path }) => ships(page) && !ships(path))), []);
  });

  test('leads to every page, from the front page on', () => {
    const reached = new Set(['README.md']);
    for (const page of reached) for (const link of links) if (link.page === page) reached.add(link.path);
    assert.deepEqual(
      pages.map(({ path }) => path).filter((path) => !reached.has(path)),
      [],
    );
  });
});

describe('the front page', () => {
  const front = readFileSync(join(root, 'README.md'), 'utf8');

  test('takes at most 16 KB', () => {
    assert.ok(statSync(join(root, 'README.md')).size <= 16_384);
  });

  test('has the two commands that set the repository to work', () => {
    for (const command of ['npm ci && npm run demo', 'npm cit'])
      assert.match(front, new RegExp(`^${command}( |$)`, 'm'));
  });
});
