import { cpuBound } from 'opero';

/** Something for a worker to do. */
export class Work {
  @cpuBound(import.meta.url)
  async double(value: number): Promise<number> {
    return value * 2;
  }
}
