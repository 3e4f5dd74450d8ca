/*
 * A strict reader of Prometheus' text format, version 0.0.4: it throws at whatever the format does not have, or what no
 * server should have to make the best of.
 */
import { strict as assert } from 'node:assert';

interface ReadSample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

export interface ReadFamily {
  readonly name: string;
  readonly help: string;
  readonly type: string;
  readonly samples: readonly ReadSample[];
}

const metricName = '[a-zA-Z_:][a-zA-Z0-9_:]*';
const labelName = '[a-zA-Z_][a-zA-Z0-9_]*';
const labelValue = String.raw`(?:[^"\\\n]|\\["\\n])*`;
const number = String.raw`(?:-?\d+(?:\.\d+)?(?:e[+-]\d+)?|[+-]Inf|NaN)`;
const helpLine = new RegExp(String.raw`^# HELP (${metricName}) ((?:[^\\]|\\[\\n])+)$`);
const typeLine = new RegExp(`^# TYPE (${metricName}) (counter|gauge|histogram)$`);
const label = `${labelName}="${labelValue}"`;
const sampleLine = new RegExp(`^(${metricName})(?:\\{(${label}(?:,${label})*)\\})? (${number})$`);

const unescaped = (text: string): string =>
  text.replace(/\\(.)/g, (_, escaped: string) => (escaped === 'n' ? '\n' : escaped));

function labelsOf(text = ''): Record<string, string> {
  const labels: Record<string, string> = {};
  for (const [, name = '', value = ''] of text.matchAll(new RegExp(`(${labelName})="(${labelValue})"`, 'g'))) {
    assert.ok(!Object.hasOwn(labels, name), `label ${name} twice`);
    labels[name] = unescaped(value);
  }
  return labels;
}

const numberOf = (text: string): number => Number(text.replace('Inf', 'Infinity'));

function sampleOf(line: string): ReadSample {
  const [, name, labels, value] = sampleLine.exec(line) ?? assert.fail(`no sample: ${line}`);
  return { name, labels: labelsOf(labels), value: numberOf(value) };
}

/** What a series of a histogram is known by. */
const keyOf = ({ labels: { le: _, ...labels } }: ReadSample): string => JSON.stringify(Object.entries(labels).sort());

function checkHistogram({ name, samples }: ReadFamily): void {
  for (const key of new Set(samples.map(keyOf))) {
    const own = samples.filter((sample) => keyOf(sample) === key);
    const buckets = own.filter((sample) => sample.name === `${name}_bucket`);
    const rest = own.filter((sample) => !buckets.includes(sample));
    assert.deepEqual(
      rest.map((sample) => sample.name),
      [`${name}_sum`, `${name}_count`],
      key,
    );
    const bounds = buckets.map(({ labels }) => numberOf(labels.le));
    assert.deepEqual(
      bounds,
      [...bounds].sort((one, other) => one - other),
    );
    assert.equal(new Set(bounds).size, bounds.length);
    assert.equal(bounds.at(-1), Number.POSITIVE_INFINITY);
    const counts = buckets.map(({ value }) => value);
    assert.deepEqual(
      counts,
      [...counts].sort((one, other) => one - other),
      'buckets are cumulative',
    );
    assert.equal(counts.at(-1), rest[1].value);
    assert.ok(rest[0].value >= 0);
  }
}

function check(family: ReadFamily): void {
  const { name, type, samples } = family;
  const seen = samples.map((sample) => `${sample.name} ${keyOf(sample)} ${sample.labels.le}`);
  assert.equal(new Set(seen).size, seen.length, `${name}: a series twice`);
  if (type === 'histogram') {
    checkHistogram(family);
    return;
  }
  for (const sample of samples) {
    assert.equal(sample.name, name);
    assert.ok(!Object.hasOwn(sample.labels, 'le'));
    if (type === 'counter') assert.ok(sample.value >= 0 && /_total$/.test(name), name);
  }
}

/** The metrics that a text tells of. */
export function readMetrics(text: string): Map<string, ReadFamily> {
  assert.match(text, /\n$/, 'the last line ends');
  const families = new Map<string, ReadFamily & { samples: ReadSample[] }>();
  let help: RegExpExecArray | null = null;
  let current: (ReadFamily & { samples: ReadSample[] }) | undefined;
  // An empty line between metrics is allowed.
  for (const line of text
    .slice(0, -1)
    .split('\n')
    .filter((each) => each !== '')) {
    if (line.startsWith('# HELP ')) {
      help = helpLine.exec(line);
      assert.ok(help, line);
      current = undefined;
    } else if (line.startsWith('#')) {
      const [, name, type] = typeLine.exec(line) ?? assert.fail(line);
      assert.equal(help?.[1], name, 'HELP stands before TYPE');
      assert.ok(!families.has(name), `${name} twice`);
      current = { name, help: unescaped(help?.[2] ?? ''), type, samples: [] };
      families.set(name, current);
    } else {
      const sample = sampleOf(line);
      assert.ok(current !== undefined && sample.name.startsWith(current.name), `${line}: not of its metric`);
      current.samples.push(sample);
    }
  }
  for (const family of families.values()) check(family);
  return families;
}
