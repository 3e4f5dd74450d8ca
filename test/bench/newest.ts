import { readFile } from 'node:fs/promises';

const modules = new URL('../../../node_modules/', import.meta.url);

/** What the bench needs to know of an installed package. */
interface Manifest {
  readonly version: string;
  readonly engines?: { readonly node?: string };
}

async function manifestOf(folder: string): Promise<Manifest> {
  return JSON.parse(await readFile(new URL(`${folder}/package.json`, modules), 'utf8'));
}

/** Whether a range of Nodes, as `engines` gives it (`>=22`, `^26 || ^24`, `20 || >=22`), has this version in it. */
export function takes(range: string, node: string): boolean {
  const here = node.split('.').map(Number);
  return range.split('||').some((part) => {
    const [, sign, major, minor = 0, patch = 0] = /^\s*(>=|\^|)\s*(\d+)(?:\.(\d+))?(?:\.(\d+))?\s*$/.exec(part) ?? [];
    if (sign === undefined) throw new Error(`expected a range like >=22, ^26 || ^24 or 20 || >=22, got ${range}`);
    if (sign !== '>=' && here[0] !== Number(major)) return false;
    const least = [major, minor, patch].map(Number);
    const differs = least.findIndex((each, i) => each !== here[i]);
    return differs === -1 || here[differs] > least[differs];
  });
}

/**
 * The folder in `node_modules` of the newest version of a package that this Node can run. Of those whose newest version
 * asks for more than Node 20, the last one that does not is installed as `<name>-node20`.
 */
export async function folderOf(name: string): Promise<string> {
  const { engines } = await manifestOf(name);
  return takes(engines?.node ?? '>=0', process.versions.node) ? name : `${name}-node20`;
}

/** The version that stands in that folder. */
export const versionOf = async (name: string): Promise<string> => (await manifestOf(await folderOf(name))).version;

const load = async <Module>(name: string): Promise<Module> => await import(await folderOf(name));

export const cockatiel = await load<typeof import('cockatiel')>('cockatiel');
export const { default: CircuitBreaker } = await load<{ default: typeof import('opossum') }>('opossum');
export const { default: pRetry, AbortError: RetryAbort } = await load<typeof import('p-retry')>('p-retry');
export const { default: PQueue } = await load<typeof import('p-queue')>('p-queue');
