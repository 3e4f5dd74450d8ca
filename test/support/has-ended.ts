import { readFileSync } from 'node:fs';

/** Whether a process is gone, or waits to be forgotten by the one that runs all. */
export function hasEnded(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return process.platform === 'linux' && readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') Z ');
  } catch {
    return true;
  }
}
