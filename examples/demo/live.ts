/** What happens now, from `statsOf`: on a terminal refreshed in place, elsewhere a plain line now and then. */
import type { Stats } from 'opero';
import type { Outcome } from './calls.js';
import { type Paint, paintFor } from './paint.js';

export interface LiveLane {
  readonly name: string;
  readonly limit: number;
  readonly stats: () => Stats;
}

export interface LiveState {
  readonly title: string;
  readonly total: number;
  readonly lanes: readonly LiveLane[];
  readonly outcomes: Readonly<Record<Outcome, number>>;
}

/** Shows the state until the function given back is called. */
export function showLive(state: LiveState, stream: NodeJS.WriteStream): () => void {
  return stream.isTTY && process.env.TERM !== 'dumb' ? showInPlace(state, stream) : showPlain(state, stream);
}

function showPlain(state: LiveState, stream: NodeJS.WriteStream): () => void {
  stream.write(`${state.title}\n`);
  const beganAt = performance.now();
  const timer = setInterval(() => {
    const sum = (name: keyof Stats): number => state.lanes.reduce((total, lane) => total + lane.stats()[name], 0);
    const counts = (['running', 'queued', 'retries', 'fallbacks'] as const).map((name) => `${sum(name)} ${name}`);
    const seconds = Math.round((performance.now() - beganAt) / 1000);
    stream.write(`${seconds} s: ${doneOf(state)} of ${state.total} calls done; ${counts.join(', ')}\n`);
  }, 2000);
  return () => clearInterval(timer);
}

function showInPlace(state: LiveState, stream: NodeJS.WriteStream): () => void {
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

const doneOf = ({ outcomes }: LiveState): number => Object.values(outcomes).reduce((sum, count) => sum + count, 0);

const bar = (share: number, width: number): string => '█'.repeat(Math.round(share * width)).padEnd(width, '░');

const columnsShown = ['calls', 'queued', 'retries', 'fallbacks'] as const;

/** One picture. A line that is too wide for the terminal would wrap, and could not be overwritten: it stays plain, cut. */
export function frame(state: LiveState, seconds: number, columns: number, paint: Paint): string[] {
  const { title, lanes, outcomes, total } = state;
  const done = doneOf(state);
  const nameWidth = Math.max(...lanes.map(({ name }) => name.length));
  const slotsWidth = Math.max(...lanes.map(({ limit }) => limit));
  const fit = (plain: string, painted: string): string =>
    plain.length < columns ? painted : plain.slice(0, columns - 1);

  const clock = `${seconds.toFixed(1)} s`;
  const head = `${title}  ${clock}`;
  const heads = `${''.padEnd(nameWidth)}  ${'running'.padEnd(slotsWidth + 4)}${columnsShown.map((each) => each.padStart(11)).join('')}`;
  const rows = lanes.map(({ name, limit, stats }) => {
    const now = stats();
    const slots = bar(now.running / limit, limit);
    const counts = columnsShown.map((each) => String(now[each]).padStart(11)).join('');
    const [before, after] = [
      `${name.padEnd(nameWidth)}  `,
      `${`${' '.repeat(slotsWidth - limit)} ${now.running}`.padEnd(slotsWidth - limit + 4)}${counts}`,
    ];
    return fit(before + slots + after, before + paint('cyan', slots) + after);
  });
  const progress = bar(done / total, 40);
  const ended = `${done} of ${total} done`;
  const { succeeded, fallback, cancelled, failed } = outcomes;
  const counts = `${succeeded} succeeded, ${fallback} by fallback, ${cancelled} cancelled, ${failed} failed`;
  return [
    fit(head, `${paint('bold', title)}  ${paint('dim', clock)}`),
    fit(heads, paint('dim', heads)),
    ...rows,
    fit(`${progress}  ${ended}`, `${paint('green', progress)}  ${ended}`),
    fit(counts, counts),
  ];
}
