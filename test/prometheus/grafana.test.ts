import { strict as assert } from 'node:assert';
import { execFileSync, spawnSync } from 'node:child_process';
import { channel } from 'node:diagnostics_channel';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { circuitBreaker, concurrency, fallback, retry } from 'opero';
import { metricsText } from 'opero/prometheus';
import { root } from '../support/pages.js';
import { rejection } from '../support/rejection.js';
import { readMetrics } from './reader.js';

interface Panel {
  readonly id: number;
  readonly title: string;
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly targets: readonly { readonly expr: string; readonly legendFormat: string }[];
}

interface Board {
  readonly panels: readonly Panel[];
  readonly templating: { readonly list: readonly { readonly name: string; readonly definition?: string }[] };
}

const file = createRequire(import.meta.url).resolve('opero/prometheus/grafana.json');
const { panels, templating } = JSON.parse(readFileSync(file, 'utf8')) as Board;
const queries = panels.flatMap(({ targets }) => targets.map(({ expr }) => expr));
const variables = templating.list.flatMap(({ definition }) => definition ?? []);

/** Calls after which every metric has a line with every label. */
async function makeCalls(): Promise<void> {
  class Weather {
    @fallback({ value: 'unknown', on: RangeError })
    @retry({ maxAttempts: 2, waitMin: 1, jitter: 'none' })
    @circuitBreaker(2)
    @concurrency(1)
    async forecast(error?: Error): Promise<string> {
      if (error !== undefined) throw error;
      return 'sun';
    }
  }
  const weather = new Weather();
  await weather.forecast();
  await weather.forecast(new RangeError('out of range'));
  await rejection(weather.forecast());
  // What stores and queues tell.
  const store = { store: 'redisStore:shop', name: 'crm-api', key: undefined, policy: 'rateLimit', error: undefined };
  for (const state of ['trip', 'down']) channel('opero:store').publish({ type: 'store', ...store, state, duration: 1 });
  channel('opero:lease').publish({ type: 'lease', ...store, state: 'lost' });
  const job = {
    className: 'Crm',
    method: 'sync',
    static: false,
    queue: 'crm',
    jobId: '1',
    callId: 1,
    error: undefined,
  };
  const sent = { type: 'job', ...job, state: 'queued', outcome: undefined, duration: undefined };
  channel('opero:job').publish(sent);
  for (const state of ['done', 'ran']) channel('opero:job').publish({ ...sent, state, outcome: 'ok', duration: 5 });
}

describe('the Grafana board', () => {
  test('asks for what metricsText() gives, by labels that it has, and for all of it', async () => {
    await makeCalls();
    const families = readMetrics(metricsText());
    const samples = [...families.values()].flatMap((family) => family.samples);
    const gauges = [...families.values()].filter(({ type }) => type === 'gauge');
    // A gauge of what there is none of here, as jobs, has no lines.
    const names = new Set([...samples, ...gauges].map(({ name }) => name));
    const labels = new Set(samples.flatMap((sample) => Object.keys(sample.labels)));
    const asked = [...queries, ...variables].flatMap(
      (text) => text.match(/\bopero_(?!outcome|policy|reason|store\b|limit_name)\w+/g) ?? [],
    );
    assert.deepEqual(
      asked.filter((name) => !names.has(name)),
      [],
    );
    const unasked = [...families.keys()].filter((name) => !asked.some((each) => each.startsWith(name)));
    assert.deepEqual(unasked, []);
    const grouped = queries.flatMap((text) =>
      [...text.matchAll(/by \(([^)]*)\)/g)].flatMap(([, list]) => list.split(', ')),
    );
    const matched = queries.flatMap((text) => [...text.matchAll(/(\w+)=~?"/g)].map(([, name]) => name));
    const shown = panels.flatMap(({ targets }) =>
      targets.flatMap(({ legendFormat }) => [...legendFormat.matchAll(/\{\{(\w+)\}\}/g)].map(([, name]) => name)),
    );
    assert.ok(grouped.length > 10 && matched.length > 10 && shown.length > 10);
    for (const name of [...grouped, ...matched, ...shown]) assert.ok(labels.has(name), name);
  });

  test('shows in a legend what a query groups by, and nothing else', () => {
    for (const { title, targets } of panels) {
      for (const { expr, legendFormat } of targets) {
        const groups = new Set(/by \(([^)]*)\)/.exec(expr)?.[1].split(', '));
        groups.delete('le');
        const shown = [...legendFormat.matchAll(/\{\{(\w+)\}\}/g)].map(([, name]) => name);
        assert.deepEqual(shown.toSorted(), [...groups].toSorted(), title);
      }
    }
  });

  test('has its panels side by side, on 24 columns', () => {
    const cells = panels.flatMap(({ gridPos: { x, y, w, h } }) =>
      Array.from({ length: w * h }, (_, i) => `${x + (i % w)} ${y + Math.floor(i / w)}`),
    );
    assert.equal(new Set(cells).size, cells.length);
    assert.ok(panels.every(({ gridPos: { x, w } }) => x >= 0 && x + w <= 24));
    assert.equal(new Set(panels.map(({ id }) => id)).size, panels.length);
  });

  test('is told of panel by panel in its page', () => {
    const page = readFileSync(join(root, 'src/prometheus/README.md'), 'utf8').split('## A Grafana board')[1] ?? '';
    const told = [...page.matchAll(/^\| ([A-Z][^|]*) \|/gm)].map(([, title]) => title);
    assert.deepEqual(
      told,
      panels.map(({ title }) => title),
    );
  });

  const promtool = process.env.PROMTOOL ?? 'promtool';
  const hasPromtool = spawnSync(promtool, ['--version']).status === 0;

  test('asks in a language that Prometheus understands', { skip: !hasPromtool && 'promtool is not installed' }, () => {
    const folder = mkdtempSync(join(tmpdir(), 'opero-board-'));
    try {
      const rules = queries.map((expr, at) => ({ record: `q${at}`, expr: asInGrafana(expr) }));
      writeFileSync(join(folder, 'rules.yml'), JSON.stringify({ groups: [{ name: 'board', rules }] }));
      const output = execFileSync(promtool, ['check', 'rules', join(folder, 'rules.yml')], { encoding: 'utf8' });
      assert.match(output, new RegExp(`SUCCESS: ${queries.length} rules found`));
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

/** A query as Grafana sends it, for all methods. */
const asInGrafana = (expr: string): string => expr.replaceAll('$__rate_interval', '1m').replaceAll('$method', '.*');
