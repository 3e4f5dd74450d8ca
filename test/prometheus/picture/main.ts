// npm run picture: draws the Grafana board from some minutes of calls, its queries answered by a Prometheus.
import { readFile, writeFile } from 'node:fs/promises';
import { boardOf, type Drawn } from './draw.js';
import { makeCalls, seconds } from './load.js';
import { type Collected, collectHere } from './server.js';
import { shareLoad } from './shared-load.js';

interface Panel extends Omit<Drawn, 'unit' | 'isStacked' | 'lines'> {
  readonly targets: readonly { readonly expr: string; readonly legendFormat: string }[];
  readonly fieldConfig: {
    readonly defaults: { readonly unit: string; readonly custom: { readonly stacking?: { readonly mode: string } } };
  };
}

const folder = new URL('../../../../src/prometheus/', import.meta.url);
const { panels } = JSON.parse(await readFile(new URL('grafana.json', folder), 'utf8')) as { panels: Panel[] };
const step = 3;

/** What a query gives, as its legend names it. */
async function ask(prometheus: Collected, { expr, legendFormat }: Panel['targets'][number], from: number) {
  const query = expr.replaceAll('$__rate_interval', '15s').replaceAll('$method', '.*');
  const lines = await prometheus.query(query, from, from + seconds, step);
  return lines.map(({ labels, points }) => ({
    name: legendFormat.replace(/\{\{(\w+)\}\}/g, (_, label: string) => labels[label] ?? ''),
    points,
  }));
}

await using load = await shareLoad();
await using prometheus = await collectHere(process.env.PROMETHEUS ?? 'prometheus');
console.log(`calls are made for ${seconds} seconds`);
const from = Date.now() / 1000;
await makeCalls(load);
const drawn: Drawn[] = [];
for (const { title, type, gridPos, targets, fieldConfig } of panels) {
  const { unit, custom } = fieldConfig.defaults;
  const lines: Drawn['lines'][number][] = [];
  for (const target of targets) lines.push(...(await ask(prometheus, target, from)));
  drawn.push({ title, type, gridPos, unit, isStacked: custom.stacking?.mode === 'normal', lines });
}
await writeFile(new URL('grafana.svg', folder), boardOf('opero', drawn, seconds));
