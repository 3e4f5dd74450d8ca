import progress from 'cli-progress';
import { now } from '../core/call/clock.js';
import type { Pace } from './pace.js';
import { showLine } from './screen.js';

/** What a bar tells of. */
interface Counts {
  readonly done: number;
  readonly failed: number;
  readonly total: number | undefined;
  readonly startedAt: number;
  readonly pace: Pace;
  /** Whether it is over. */
  readonly isOver: boolean;
}

/** How many columns the bar takes; with less room than the least it is left out. */
const size = { most: 40, least: 10 };
const separator = ' | ';
const style = {
  barCompleteString: '='.repeat(size.most),
  barIncompleteString: '-'.repeat(size.most),
  barGlue: '',
};

/** Shows a bar, how many are done and failed, the rate, and the time left as far as it can be told. Gives what ends that. */
export const showBar = (read: () => Counts): (() => void) => showLine({ text: (room) => textOf(read(), room) });

function textOf({ done, failed, total, startedAt, pace, isOver }: Counts, room: number): string {
  const time = now();
  const share = total === undefined ? undefined : shareOf(done, total);
  const rate = isOver ? pace.mean(time) : pace.rate(time);
  const parts = [
    ...(share === undefined ? [`${done} done`] : [`${Math.floor(share * 100)}%`, `${done}/${total}`]),
    rate === undefined ? undefined : `${shortly(rate * 1000)}/s`,
    `${failed} failed`,
    total === undefined || isOver ? timeOf(time - startedAt) : leftOf(pace.left(time, Math.max(0, total - done))),
  ];
  const text = fitting(parts, room);
  const left = Math.min(size.most, room - text.length - 1);
  return share === undefined || left < size.least ? text : `${barOf(share, left)} ${text}`;
}

const shareOf = (done: number, total: number): number => (total === 0 ? 1 : Math.min(1, done / total));

/** As many of the parts as there is room for; a part of one would tell something else. */
function fitting(parts: readonly (string | undefined)[], room: number): string {
  const [first = '', ...others] = parts.filter((part) => part !== undefined);
  let text = first;
  for (const part of others) {
    if (text.length + part.length + separator.length > room) break;
    text += separator + part;
  }
  return text;
}

const barOf = (share: number, barsize: number): string => progress.Format.BarFormat(share, { ...style, barsize });

const leftOf = (time: number | undefined): string | undefined =>
  time === undefined ? undefined : `${timeOf(time)} left`;

const timeOf = (milliseconds: number): string =>
  progress.Format.TimeFormat(Math.ceil(milliseconds / 1000), { autopaddingChar: '' } as object, 1);

/** With two figures, as far as they are no whole ones. */
const shortly = (value: number): string => (value < 10 ? String(Number(value.toPrecision(2))) : value.toFixed(0));
