import type { WriteStream } from 'node:tty';
import { Alarm } from '../core/call/clock.js';

/** A line at the bottom of the terminal. */
interface Line {
  /** What it says now, in as many columns as there is room for. */
  text(room: number): string;
}

/** How often the lines are drawn again, in milliseconds. */
const interval = 100;

type Write = WriteStream['write'];

/** Stands before the `write` of a stream, until it is let go. */
class Tap {
  readonly #stream: WriteStream;
  readonly #own: PropertyDescriptor | undefined;
  /** The `write` that stood there before. */
  readonly #write: Write;
  readonly #tapped: Write;
  #isOpen = true;
  /** Whether what was written here has come to nothing. */
  #isBroken = false;

  constructor(stream: WriteStream, around: (chunk: unknown, write: () => boolean) => boolean) {
    this.#stream = stream;
    this.#own = Object.getOwnPropertyDescriptor(stream, 'write');
    this.#write = stream.write;
    const tapped = (...args: Parameters<Write>): boolean => {
      const write = (): boolean => Reflect.apply(this.#write, stream, args);
      return this.#isOpen ? around(args[0], write) : write();
    };
    this.#tapped = tapped as Write;
    stream.write = this.#tapped;
  }

  /** A terminal that has gone away is told nothing more; as with the console, that is nobody's error. */
  write(text: string): void {
    if (!this.#isBroken) Reflect.apply(this.#write, this.#stream, [text, this.#written]);
  }

  readonly #written = (error?: Error | null): void => {
    if (!error || this.#isBroken) return;
    this.#isBroken = true;
    // For good: Node's console only looks away from the first error of a stream, which was this one.
    if (this.#stream.listenerCount('error') === 0) this.#stream.on('error', () => {});
  };

  /** Others may have put their own `write` before this one: it stays there then, and does nothing any more. */
  release(): void {
    this.#isOpen = false;
    if (this.#stream.write !== this.#tapped) return;
    if (this.#own === undefined) Reflect.deleteProperty(this.#stream, 'write');
    else Object.defineProperty(this.#stream, 'write', this.#own);
  }
}

/**
 * Lines that stay at the bottom of the terminal. What the program writes there meanwhile goes by above them: they are
 * wiped off before it, and drawn again behind it.
 */
class Screen {
  readonly #lines = new Set<Line>();
  readonly #taps: Tap[];
  readonly #alarm = new Alarm(() => this.#drawAgain(), false);
  readonly #leave = (): void => this.#close([...this.#lines]);
  /** What stands there. */
  #drawn: readonly string[] = [];
  /** Whether the program has written a part of a line: nothing is drawn behind that. */
  #isMidLine = false;

  constructor() {
    const streams = [process.stderr, ...(process.stdout.isTTY ? [process.stdout] : [])];
    this.#taps = streams.map((stream) => new Tap(stream, (chunk, write) => this.#pass(chunk, write)));
    this.#alarm.set(interval);
    process.on('exit', this.#leave);
  }

  add(line: Line): void {
    this.#lines.add(line);
    this.#draw();
  }

  /** The line has said its last, which stays; the others go on below it. */
  end(line: Line): void {
    if (!this.#lines.has(line)) return;
    if (this.#lines.size === 1) {
      this.#close([line]);
    } else {
      this.#print([line]);
      this.#draw();
    }
  }

  #close(lines: readonly Line[]): void {
    this.#print(lines);
    for (const tap of this.#taps) tap.release();
    this.#alarm.clear();
    process.off('exit', this.#leave);
    screen = undefined;
  }

  #print(lines: readonly Line[]): void {
    const above = this.#isMidLine ? '\n' : '';
    this.#isMidLine = false;
    this.#write(`${this.#wipe()}${above}${lines.map((line) => `${this.#cut(line)}\n`).join('')}`);
    for (const line of lines) this.#lines.delete(line);
  }

  #pass(chunk: unknown, write: () => boolean): boolean {
    this.#write(this.#wipe());
    try {
      return write();
    } finally {
      const last = typeof chunk === 'string' || chunk instanceof Uint8Array ? chunk.at(-1) : undefined;
      if (last !== undefined) this.#isMidLine = last !== '\n' && last !== 10;
      this.#draw();
    }
  }

  #drawAgain(): void {
    this.#draw();
    this.#alarm.set(interval);
  }

  #draw(): void {
    if (this.#isMidLine) return;
    const lines = [...this.#lines].map((line) => this.#cut(line));
    if (lines.join('\n') === this.#drawn.join('\n')) return;
    this.#write(this.#wipe() + lines.join('\n'));
    this.#drawn = lines;
  }

  /** What takes the lines off, however narrow the terminal has become meanwhile. */
  #wipe(): string {
    if (this.#drawn.length === 0) return '';
    const rows = this.#drawn.reduce((sum, line) => sum + Math.max(1, Math.ceil(line.length / columns())), 0);
    this.#drawn = [];
    return `\r${rows > 1 ? `\x1B[${rows - 1}A` : ''}\x1B[J`;
  }

  #cut(line: Line): string {
    const room = columns() - 1;
    return line.text(room).slice(0, room);
  }

  #write(text: string): void {
    if (text !== '') this.#taps[0]?.write(text);
  }
}

const columns = (): number => Math.max(2, process.stderr.columns || 80);

/** All lines share one screen; there is none while there are none. */
let screen: Screen | undefined;

/** Shows a line at the bottom of the terminal, and gives what ends that. */
export function showLine(line: Line): () => void {
  screen ??= new Screen();
  const shown = screen;
  shown.add(line);
  return () => shown.end(line);
}
