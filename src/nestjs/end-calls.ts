import { shutdown } from '../policies/workers.js';
import { drain } from '../telemetry/drain.js';

/**
 * Waits for the calls that are under way, for so many milliseconds at most, then ends the workers, and with them what has
 * not ended there. Gives how many calls were left.
 */
export async function endCalls(timeout: number): Promise<number> {
  const left = await drain({ timeout });
  await shutdown({ timeout: 0 });
  return left;
}
