import type { ReadStream, WriteStream } from 'node:tty';
import { ago, count, rate } from '../words.js';
import type { Picture } from './ask.js';
import { sharedLinesOf } from './shared-tables.js';
import { type Column, columns, harmless, inOrder, type Paint, painted, plain, tableOf } from './table.js';

/** Lines about all methods together. */
export function headOf({ program, at, methods }: Picture, paint: Paint, width: number): readonly string[] {
  let [calls, running, queued, open] = [0, 0, 0, 0];
  for (const method of methods.values()) {
    calls += method.rate || 0;
    running += method.running || 0;
    queued += method.queued || 0;
    if (method.circuit !== undefined && method.circuit !== 'closed') open++;
  }
  const name = harmless(
    `${program.name}  pid ${program.pid || '–'}  node ${program.node}  up ${ago(at - program.startedAt)}`,
  );
  const circuits = `${count(open)} circuit${open === 1 ? '' : 's'} not closed`;
  const totals = `${count(methods.size)} method${methods.size === 1 ? '' : 's'}  ${rate(calls)} calls/s  ${count(running)} running  ${count(queued)} queued  `;
  if (totals.length + circuits.length > width) return [paint('bold', name.slice(0, width)), totals.slice(0, width)];
  return [paint('bold', name.slice(0, width)), totals + (open > 0 ? paint('bad', circuits) : paint('dim', circuits))];
}

/** What is shown on a terminal, drawn over again in the same place; and its keys. */
export class Screen {
  readonly #paint = process.env.NO_COLOR ? plain : painted;
  #by: Column | undefined;
  #top = 0;
  #picture: Picture | undefined;
  /** What is wrong with the program. */
  #problem = '';

  constructor(
    readonly input: ReadStream,
    readonly output: WriteStream,
    readonly onQuit: () => void,
  ) {}

  begin(): void {
    // Another screen, without a cursor and without wrapped lines.
    this.output.write('\x1b[?1049h\x1b[?25l\x1b[?7l');
    this.output.on('resize', this.#draw);
    this.input.setRawMode(true);
    this.input.setEncoding('utf8');
    this.input.on('data', this.#onKey);
    this.input.resume();
    this.#draw();
  }

  end(): void {
    this.output.off('resize', this.#draw);
    this.input.off('data', this.#onKey);
    this.input.setRawMode(false);
    this.input.pause();
    this.output.write('\x1b[?7h\x1b[?25h\x1b[?1049l');
  }

  show(picture: Picture): void {
    this.#picture = picture;
    this.#problem = '';
    this.#draw();
  }

  tell(problem: string): void {
    this.#problem = harmless(problem);
    this.#draw();
  }

  readonly #onKey = (key: string | Buffer): void => {
    const page = Math.max(1, (this.output.rows || 24) - 5);
    const steps: Readonly<Record<string, number>> = {
      '\x1b[A': -1,
      '\x1b[B': 1,
      '\x1b[5~': -page,
      '\x1b[6~': page,
      k: -1,
      j: 1,
    };
    const pressed = String(key);
    if (pressed === 'q' || pressed === '\x03' || pressed === '\x04') {
      this.onQuit();
      return;
    }
    if (pressed === 's') {
      const next = this.#by === undefined ? 0 : columns.indexOf(this.#by) + 1;
      this.#by = columns[next];
    }
    this.#top += steps[pressed] ?? 0;
    this.#draw();
  };

  readonly #draw = (): void => {
    // Some terminals tell no size, or 0.
    const [width, rows] = [this.output.columns || 80, this.output.rows || 24];
    const lines = this.#picture === undefined ? [] : [...headOf(this.#picture, this.#paint, width), ''];
    if (this.#picture !== undefined) {
      const { shared, at } = this.#picture;
      // The rest is for the methods.
      lines.push(...sharedLinesOf(shared, at, width, Math.floor(rows / 2) - lines.length, this.#paint));
    }
    const room = Math.max(1, rows - lines.length - 2);
    if (this.#picture !== undefined) {
      const { methods, at } = this.#picture;
      this.#top = Math.max(0, Math.min(this.#top, methods.size - room));
      const shown = inOrder(methods.values(), this.#by).slice(this.#top, this.#top + room);
      lines.push(...tableOf(shown, at, width, this.#paint, this.#by));
    }
    const help = `q quit  s sort (${this.#by?.head ?? 'method'})  ↑↓ scroll`;
    const foot = this.#problem === '' ? this.#paint('dim', help) : this.#paint('bad', this.#problem.slice(0, width));
    while (lines.length < rows - 1) lines.push('');
    this.output.write(`\x1b[H${[...lines.slice(0, rows - 1), foot].map((line) => `${line}\x1b[K`).join('\r\n')}\x1b[J`);
  };
}
