import { cpuBound } from 'opero';

/** A part of the work: called often, so that it is optimized in the usual way, and not by a lottery over one long loop. */
function part(hash: number, from: number, to: number): number {
  let mixed = hash;
  for (let i = from; i < to; i++) mixed = (Math.imul(mixed, 31) + i) | 0;
  return mixed;
}

const partLength = 1000;

/** Keeps a core busy for so many turns. */
export function burn(turns: number): number {
  let hash = 1;
  for (let i = 0; i < turns; i += partLength) hash = part(hash, i, Math.min(turns, i + partLength));
  return hash;
}

/** How many threads each pool has. */
export const threads = 2;

/** What raw tinypool runs. */
export default burn;

/** The same work on opero's workers. */
export class Work {
  @cpuBound(import.meta.url, { maxWorkers: threads })
  async burn(turns: number): Promise<number> {
    return burn(turns);
  }
}
