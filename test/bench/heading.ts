import { readFile } from 'node:fs/promises';
import { arch, availableParallelism, cpus, platform, totalmem } from 'node:os';
import { fileURLToPath } from 'node:url';

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

async function versionAt(url: URL): Promise<string> {
  return (JSON.parse(await readFile(fileURLToPath(url), 'utf8')) as { version: string }).version;
}

export async function readHeading(): Promise<Heading> {
  const versions: Record<string, string> = { opero: await versionAt(new URL('package.json', root)) };
  for (const peer of peers) versions[peer] = await versionAt(new URL(`node_modules/${peer}/package.json`, root));
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
