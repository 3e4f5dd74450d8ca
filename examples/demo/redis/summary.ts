/** Puts what was promised beside what the server saw. */
import { countBy, type Line } from '../lines.js';
import { accounts, ending, killing, limits, restarting, sharing, within } from './promises.js';
import type { Story } from './story.js';

export interface RedisSummary {
  readonly requests: number;
  /** How many requests of calls ended in which way. */
  readonly answers: Readonly<Record<string, number>>;
  /** How many starts a second there were while all wanted more. */
  readonly reached: number;
  /** How long Redis was gone, and how long nothing started, in milliseconds. */
  readonly outage: number;
  readonly still: number;
  readonly promises: readonly Line[];
  /** Whether every promise was kept. */
  readonly kept: boolean;
}

export function summarize(story: Story): RedisSummary {
  const promises = [limits, accounts, killing, restarting, sharing, ending].flatMap((part) => part(story));
  const calls = story.requests.filter(({ of }) => of === 'api');
  const { rush, outage } = story;
  const after = Math.min(...calls.map(({ started }) => started).filter((each) => each > outage.to));
  const before = Math.max(...calls.map(({ started }) => started).filter((each) => each < after));
  return {
    requests: calls.length,
    answers: countBy(calls, ({ outcome }) => outcome),
    reached: within(rush, calls).length / ((rush.to - rush.from) / 1000),
    outage: Math.round(outage.to - outage.from),
    still: Math.round(after - before),
    promises,
    kept: promises.every(({ kept }) => kept),
  };
}

/** What is no promise, in sentences. */
export function showStory(
  { requests, answers, reached, outage, still }: RedisSummary,
  { limits, processes }: Story,
): string {
  const count = (key: string): number => answers[key] ?? 0;
  const secondsOf = (duration: number): string => `${(duration / 1000).toFixed(1)} s`;
  return [
    `The server got ${requests} requests of ${processes} processes. It answered ${count('ok')} of them well, and ${count('503')}`,
    `with a 503 on purpose; ${count('hung up')} ended with their process. In the rush ${reached.toFixed(1)} of ${limits.rate}`,
    `requests a second began. Redis was gone for ${secondsOf(outage)}; meanwhile nothing new began for ${secondsOf(still)}.`,
  ].join(' ');
}
