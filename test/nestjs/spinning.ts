import { cpuBound } from 'opero';

export class Spinning {
  /** Ends with its worker only. */
  @cpuBound(import.meta.url)
  async spin(): Promise<never> {
    for (;;);
  }
}
