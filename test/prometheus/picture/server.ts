import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { metricsText } from 'opero/prometheus';
import { freePort } from '../../support/free-port.js';

/** A line of a diagram: what it is of, and its values over time, which may have gaps. */
export interface Line {
  readonly labels: Readonly<Record<string, string>>;
  readonly points: readonly (readonly [second: number, value: number])[];
}

/** A Prometheus that has collected the metrics of this process. */
export interface Collected {
  query(expr: string, from: number, to: number, step: number): Promise<Line[]>;
  [Symbol.asyncDispose](): Promise<void>;
}

interface Answer {
  readonly status: string;
  readonly error?: string;
  readonly data: {
    readonly result: readonly {
      readonly metric: Record<string, string>;
      readonly values: readonly [number, string][];
    }[];
  };
}

/** Serves the metrics of this process, on a port that is free. */
async function serveMetrics() {
  const server = createServer((_, response) => response.end(metricsText())).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { server, port: (server.address() as AddressInfo).port };
}

/** Starts a Prometheus that asks this process once a second. */
export async function collectHere(program: string): Promise<Collected> {
  const { server, port } = await serveMetrics();
  const folder = mkdtempSync(join(tmpdir(), 'opero-picture-'));
  const scrape = { job_name: 'opero', static_configs: [{ targets: [`127.0.0.1:${port}`] }] };
  writeFileSync(
    join(folder, 'prometheus.yml'),
    JSON.stringify({ global: { scrape_interval: '1s' }, scrape_configs: [scrape] }),
  );
  const address = `127.0.0.1:${await freePort()}`;
  const prometheus = spawn(
    program,
    [
      `--config.file=${folder}/prometheus.yml`,
      `--storage.tsdb.path=${folder}/data`,
      `--web.listen-address=${address}`,
      '--log.level=warn',
    ],
    { stdio: ['ignore', 'inherit', 'inherit'] },
  );
  const ended = once(prometheus, 'exit');
  const isReady = () =>
    fetch(`http://${address}/-/ready`).then(
      ({ ok }) => ok,
      () => false,
    );
  while (!(await isReady())) {
    if (prometheus.exitCode !== null) throw new Error(`${program} has ended`);
    await sleep(100);
  }
  return {
    async query(expr, from, to, step) {
      const search = new URLSearchParams({ query: expr, start: `${from}`, end: `${to}`, step: `${step}` });
      const answer = (await (await fetch(`http://${address}/api/v1/query_range?${search}`)).json()) as Answer;
      if (answer.status !== 'success') throw new Error(`${expr}: ${answer.error}`);
      return answer.data.result.map(({ metric, values }) => ({
        labels: metric,
        points: values.map(([time, value]) => [time - from, Number(value)] as const),
      }));
    },
    async [Symbol.asyncDispose]() {
      prometheus.kill();
      await ended;
      server.close();
      server.closeAllConnections();
      rmSync(folder, { recursive: true });
    },
  };
}
