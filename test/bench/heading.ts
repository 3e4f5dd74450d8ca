import { readFile } from 'node:fs/promises';
import { arch, availableParallelism, cpus, platform, totalmem } from 'node:os';
import { versionOf } from './newest.js';

const root = new URL('../../../', import.meta.url);

/** The libraries that the bench compares with, and those that opero builds on. */
const peers = [
  'cockatiel',
  'p-limit',
  'p-retry',
  'p-queue',
  'p-throttle',
  'p-map',
  'opossum',
  'bottleneck',
  'mollitia',
  'limiter',
  'p-memoize',
  'async-cache-dedupe',
  'lru-cache',
  'tinypool',
];

/** Where the figures come from. */
export interface Heading {
  readonly machine: string;
  readonly cores: number;
  readonly memoryGb: number;
  readonly node: string;
  readonly versions: Record<string, string>;
}

export async function readHeading(): Promise<Heading> {
  const { version } = JSON.parse(await readFile(new URL('package.json', root), 'utf8')) as { version: string };
  const versions: Record<string, string> = { opero: version };
  for (const peer of peers) versions[peer] = await versionOf(peer);
  return {
    machine: `${cpus()[0]?.model.trim() ?? 'unknown processor'}, ${platform()} ${arch()}`,
    cores: availableParallelism(),
    memoryGb: Math.round(totalmem() / 2 ** 30),
    node: process.versions.node,
    versions,
  };
}

export function headingText({ machine, cores, memoryGb, node, versions }: Heading): string {
  const list = Object.entries(versions).map(([name, version]) => `${name} ${version}`);
  return `${machine}; ${cores} cores, ${memoryGb} GB; Node ${node}\n${list.join(', ')}`;
}
