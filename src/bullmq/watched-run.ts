import { now } from '../core/call/clock.js';
import type { JobStats } from '../telemetry/jobs.js';
import { areJobsTold, tellOfJob } from './events.js';

/** Runs the method of a job, which is counted, and told of where somebody wants to know. */
export async function watched<Result>(stats: JobStats, jobId: string, run: () => Promise<Result>): Promise<Result> {
  const beganAt = areJobsTold() ? now() : undefined;
  stats.running++;
  if (beganAt !== undefined) tellOfJob('running', stats, { jobId });
  const end = (outcome: 'ok' | 'error', error?: unknown): void => {
    stats.running--;
    stats.ran++;
    if (outcome === 'error') stats.ranFailed++;
    if (!areJobsTold()) return;
    const duration = beganAt === undefined ? undefined : now() - beganAt;
    tellOfJob('ran', stats, { jobId, outcome, duration, error });
  };
  try {
    const result = await run();
    end('ok');
    return result;
  } catch (error) {
    end('error', error);
    throw error;
  }
}
