/** What happens now, from `statsOf`: on a terminal refreshed in place, elsewhere plain lines. */
import type { Stats } from 'opero';
import type { Outcome } from './calls.js';
import { type Paint, paintFor } from './paint.js';

interface LiveLane {
  readonly name: string;
  readonly limit: number;
  readonly stats: () => Stats;
}

interface LiveState {
  readonly title: string;
  readonly total: number;
  readonly lanes: readonly LiveLane[];
  readonly outcomes: Readonly<Record<Outcome, number>>;
}

/** Whether lines can be written over. */
export const canRedraw = (stream: NodeJS.WriteStream): boolean => stream.isTTY && process.env.TERM !== 'dumb';

/** Somewhat less than two seconds: a timer comes late where the thread is busy. */
const betweenLines = 1500;

interface Teller {
  /** Tells, if it is time. For work that keeps the thread from its timers. */
  readonly check: () => void;
  readonly stop: () => void;
}

/** Tells at least every two seconds what `now` says, until it is stopped: silence looks like an end. */
export function tellNow(now: () => string, say: (line: string) => void): Teller {
  const beganAt = performance.now();
  let toldAt = beganAt;
  const check = (): void => {
    const time = performance.now();
    if (time - toldAt < betweenLines) return;
    toldAt = time;
    say(`${((time - beganAt) / 1000).toFixed(1)} s: ${now()}`);
  };
  const timer = setInterval(check, 100);
  return { check, stop: () => clearInterval(timer) };
}

/** The state in one line. */
export function lineOf(state: LiveState): string {
  const sum = (name: Exclude<keyof Stats, 'custom'>): number =>
    state.lanes.reduce((total, lane) => total + lane.stats()[name], 0);
  const counts = (['running', 'queued', 'retries', 'fallbacks'] as const).map((name) => `${name} ${sum(name)}`);
  return `${endedOf(state)} of ${state.total} calls ended; ${counts.join(', ')}`;
}

/** Draws the state again and again in the same place, until the function given back is called. */
export function showInPlace(state: LiveState, stream: NodeJS.WriteStream): () => void {
  const paint = paintFor(stream);
  const beganAt = performance.now();
  let drawn = 0;
  const draw = (): void => {
    const lines = frame(state, (performance.now() - beganAt) / 1000, stream.columns || 80, paint);
    const back = drawn === 0 ? '' : `\x1b[${drawn}F`;
    stream.write(`${back}${lines.map((line) => `${line}\x1b[K\n`).join('')}`);
    drawn = lines.length;
  };
  const showCursor = (): unknown => stream.write('\x1b[?25h');
  stream.write('\x1b[?25l');
  process.once('exit', showCursor);
  draw();
  const timer = setInterval(draw, 80);
  return () => {
    clearInterval(timer);
    draw();
    process.off('exit', showCursor);
    showCursor();
  };
}

const endedOf = ({ outcomes }: LiveState): number => Object.values(outcomes).reduce((sum, count) => sum + count, 0);

const bar = (share: number, width: number): string => '█'.repeat(Math.round(share * width)).padEnd(width, '░');

/** The columns of counts: of what, under which head, how wide. */
const columnsShown = [
  ['calls', 'calls', 8],
  ['queued', 'queued now', 12],
  ['retries', 'retries', 9],
  ['fallbacks', 'fallbacks', 11],
] as const;

/** One picture. A line that is too wide for the terminal would wrap, and could not be overwritten: it stays plain, cut. */
export function frame(state: LiveState, seconds: number, columns: number, paint: Paint): string[] {
  const { title, lanes, outcomes, total } = state;
  const ended = endedOf(state);
  const nameWidth = Math.max(...lanes.map(({ name }) => name.length));
  const slotsWidth = Math.max(...lanes.map(({ limit }) => limit));
  const fit = (plain: string, painted: string): string =>
    plain.length < columns ? painted : plain.slice(0, columns - 1);

  const clock = `${seconds.toFixed(1)} s`;
  const head = `${title}  ${clock}`;
  const countHeads = columnsShown.map(([, text, width]) => text.padStart(width)).join('');
  const heads = `${''.padEnd(nameWidth)}  ${'running now'.padEnd(slotsWidth + 7)}${countHeads}`;
  const rows = lanes.map(({ name, limit, stats }) => {
    const now = stats();
    const before = `${name.padEnd(nameWidth)}  `;
    const slots = bar(now.running / limit, limit);
    const counts = columnsShown.map(([key, , width]) => String(now[key]).padStart(width)).join('');
    const after = `${' '.repeat(slotsWidth - limit)}${` ${now.running} of ${limit}`.padEnd(7)}${counts}`;
    return fit(before + slots + after, before + paint('cyan', slots) + after);
  });
  const progress = bar(ended / total, 40);
  const endings = `${ended} of ${total} calls ended`;
  const { succeeded, fallback, cancelled, failed } = outcomes;
  const counts = `${succeeded} succeeded, ${fallback} got a fallback, ${cancelled} were cancelled, ${failed} failed`;
  return [
    fit(head, `${paint('bold', title)}  ${paint('dim', clock)}`),
    fit(heads, paint('dim', heads)),
    ...rows,
    fit(`${progress}  ${endings}`, `${paint('green', progress)}  ${endings}`),
    fit(counts, counts),
  ];
}
