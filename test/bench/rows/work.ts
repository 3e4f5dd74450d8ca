import { cpuBound } from 'opero';

/** Keeps a core busy for so many turns. */
export function burn(turns: number): number {
  let hash = 1;
  for (let i = 0; i < turns; i++) hash = (Math.imul(hash, 31) + i) | 0;
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
