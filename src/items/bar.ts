import progress from 'cli-progress';
import type { Pace } from './pace.js';
import { showLine } from './screen.js';

/** What a bar tells of. */
export interface Counts {
  readonly done: number;
  readonly failed: number;
  readonly total: number | undefined;
  readonly startedAt: number;
  readonly pace: Pace;
  /** Whether it is over. */
  readonly isOver: boolean;
}

const size = 40;
const style = {
  barsize: size,
  barCompleteString: '='.repeat(size),
  barIncompleteString: '-'.repeat(size),
  barGlue: '',
};

/** Shows a bar, how many are done and failed, the rate, and the time left as far as it can be told. Gives what ends that. */
export const showBar = (read: () => Counts): (() => void) => showLine({ text: () => textOf(read()) });

function textOf({ done, failed, total, startedAt, pace, isOver }: Counts): string {
  const now = performance.now();
  const rate = isOver ? pace.mean(now) : pace.rate(now);
  const parts = [
    ...(total === undefined ? [`${done} done`] : [barOf(done, total), `${done}/${total}`]),
    rate === undefined ? undefined : `${shortly(rate * 1000)}/s`,
    `${failed} failed`,
    total === undefined || isOver ? timeOf(now - startedAt) : leftOf(pace.left(now, total - done)),
  ];
  return parts.filter((part) => part !== undefined).join(' | ');
}

function barOf(done: number, total: number): string {
  const share = total === 0 ? 1 : Math.min(1, done / total);
  return `${progress.Format.BarFormat(share, style)} ${Math.floor(share * 100)}%`;
}

const leftOf = (time: number | undefined): string | undefined =>
  time === undefined ? undefined : `${timeOf(time)} left`;

const timeOf = (milliseconds: number): string =>
  progress.Format.TimeFormat(Math.ceil(milliseconds / 1000), { autopaddingChar: '' } as object, 1);

/** With two figures, as far as they are no whole ones. */
const shortly = (value: number): string => (value < 10 ? String(Number(value.toPrecision(2))) : value.toFixed(0));
