import { type Family, families } from './families.js';
import type { PrometheusLabels, Sample } from './samples.js';

/** Text in a line of its own: a class, a method or an error may have any name. */
const escaped = (text: string): string => text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n');

const labelText = (name: string, value: string): string => `${name}="${escaped(value).replaceAll('"', '\\"')}"`;

/** Those of a series, which has many lines and stays. */
const texts = new WeakMap<PrometheusLabels, string>();

function textOf(labels: PrometheusLabels): string {
  let text = texts.get(labels);
  if (text === undefined) {
    text = Object.entries(labels)
      .map(([name, value]) => labelText(name, value))
      .join(',');
    texts.set(labels, text);
  }
  return text;
}

const lineOf = (name: string, { suffix, labels, le, value }: Sample): string =>
  `${name}${suffix}{${textOf(labels)}${le === undefined ? '' : `,le="${le}"`}} ${value}`;

const linesOf = ({ name, help, type, samples }: Family): string[] => [
  `# HELP ${name} ${escaped(help)}`,
  `# TYPE ${name} ${type}`,
  ...samples().map((sample) => lineOf(name, sample)),
];

/**
 * The metrics of every governed method, in the text format of Prometheus: what a `/metrics` of your own answers with, as
 * `text/plain; version=0.0.4; charset=utf-8`. With prom-client, use `collect`. What is counted begins with the import of
 * this entry.
 *
 * @returns Lines, the last one ended too.
 * @throws Nothing.
 * @see https://prometheus.io/docs/instrumenting/exposition_formats/
 * @example
 * import { createServer } from 'node:http';
 * createServer((_, response) => {
 *   response.setHeader('content-type', 'text/plain; version=0.0.4; charset=utf-8');
 *   response.end(metricsText());
 * });
 */
export const metricsText = (): string => `${families.flatMap(linesOf).join('\n')}\n`;
