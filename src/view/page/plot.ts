import { element, setAttribute, setText, svg } from './dom.js';
import { areaPath, linePath } from './spark.js';

/** A line of a plot. */
export interface Series {
  readonly key: string;
  readonly label: string;
  /** Whether the area beneath it is filled. */
  readonly isFilled?: boolean;
  /** Whether the line is left out where it is 0: what is not there is nothing to look at. */
  readonly hidesZero?: boolean;
  readonly values: readonly (number | null)[];
}

const height = 120;
const left = 46;
const minutes = 10;

/** The next number above that reads well: 1, 2, 3, 5 or 8 with zeros. */
function ceiling(most: number): number {
  if (!(most > 0)) return 1;
  const power = 10 ** Math.floor(Math.log10(most));
  for (const step of [1, 2, 3, 5, 8, 10]) if (most <= step * power * 1.0001) return step * power;
  return 10 * power;
}

/** A plot of the last ten minutes, that can be read by pointing at it, and by the arrow keys. */
export class Plot {
  readonly figure = element('figure', 'plot');
  readonly #svg = svg('svg', { class: 'chart', tabindex: '0', role: 'img' });
  readonly #grid = svg('g', { class: 'grid' });
  readonly #lines = svg('g');
  readonly #cross = svg('line', { class: 'cross', y1: 0, y2: height });
  readonly #readout = element('output', 'readout');
  #series: readonly Series[] = [];
  #width = 300;
  /** The second that is pointed at; undefined: none. */
  #at: number | undefined;

  constructor(
    readonly title: string,
    readonly show: (value: number) => string,
    /** The same for the scale beside it. */
    readonly scale = show,
  ) {
    const caption = element('figcaption');
    caption.append(element('span', 'plot-title', title), this.#readout);
    this.#svg.append(this.#grid, this.#lines, this.#cross);
    this.figure.append(caption, this.#svg);
    this.#svg.addEventListener('pointermove', ({ offsetX }) => this.#point((offsetX - left) / (this.#width - left)));
    this.#svg.addEventListener('pointerleave', () => this.#point(undefined));
    this.#svg.addEventListener('blur', () => this.#point(undefined));
    this.#svg.addEventListener('keydown', (event) => this.#onKey(event));
    new ResizeObserver(() => this.draw(this.#series)).observe(this.figure);
  }

  #point(share: number | undefined): void {
    const count = this.#series[0]?.values.length ?? 0;
    const isIn = share !== undefined && share >= 0 && share <= 1;
    this.#at = isIn ? Math.round(share * (count - 1)) : undefined;
    this.#read();
  }

  #onKey(event: KeyboardEvent): void {
    if (event.key !== 'ArrowLeft' && event.key !== 'ArrowRight') return;
    event.preventDefault();
    event.stopPropagation();
    const last = (this.#series[0]?.values.length ?? 1) - 1;
    const step = (event.shiftKey ? 30 : 5) * (event.key === 'ArrowLeft' ? -1 : 1);
    this.#at = Math.min(last, Math.max(0, (this.#at ?? last) + step));
    this.#read();
  }

  draw(series: readonly Series[]): void {
    this.#series = series;
    this.#width = Math.max(200, this.#svg.clientWidth || this.figure.clientWidth);
    const most = ceiling(Math.max(0, ...series.flatMap(({ values }) => values.map((value) => value ?? 0))));
    setAttribute(this.#svg, 'viewBox', `0 -8 ${this.#width} ${height + 26}`);
    this.#drawGrid(most);
    this.#lines.replaceChildren(
      ...series.flatMap(({ key, values, isFilled, hidesZero }) => {
        const box = [most, this.#width - left, height] as const;
        const seen = hidesZero ? values.map((value) => value || null) : values;
        const transform = `translate(${left} 0)`;
        const line = svg('path', { class: `line ${key}`, d: linePath(seen, ...box), transform });
        return isFilled
          ? [svg('path', { class: `area ${key}`, d: areaPath(values, ...box), transform }), line]
          : [line];
      }),
    );
    this.#read();
  }

  #drawGrid(most: number): void {
    const parts: SVGElement[] = [];
    for (const share of [0, 0.5, 1]) {
      const y = height - share * height;
      parts.push(svg('line', { x1: left, x2: this.#width, y1: y, y2: y }));
      parts.push(text(left - 6, y + 3.5, 'end', this.scale(share * most)));
    }
    for (let minute = 0; minute <= minutes; minute += 2) {
      const x = left + (minute / minutes) * (this.#width - left);
      const label = minute === minutes ? 'now' : `−${minutes - minute} min`;
      const anchor = minute === minutes ? 'end' : minute === 0 ? 'start' : 'middle';
      if (this.#width > 420 || minute === 0 || minute === minutes) parts.push(text(x, height + 15, anchor, label));
    }
    this.#grid.replaceChildren(...parts);
  }

  /** Says in words what is pointed at, or what is now. */
  #read(): void {
    const count = this.#series[0]?.values.length ?? 0;
    const at = this.#at ?? count - 1;
    const x = left + (at / Math.max(1, count - 1)) * (this.#width - left);
    this.#cross.classList.toggle('on', this.#at !== undefined);
    setAttribute(this.#cross, 'x1', String(x));
    setAttribute(this.#cross, 'x2', String(x));
    const words = this.#series.map(({ key, label, values }) => {
      const value = values[at] ?? null;
      const item = element('span', `key ${key}`);
      item.append(
        element('i'),
        document.createTextNode(`${label} `),
        element('b', '', value === null ? '–' : this.show(value)),
      );
      return item;
    });
    const behind = count - 1 - at;
    const when = behind === 0 ? 'now' : `${Math.floor(behind / 60)}:${String(behind % 60).padStart(2, '0')} ago`;
    const told = element('span', 'when', when);
    if (this.#readout.textContent !== [...words, told].map((each) => each.textContent).join('')) {
      this.#readout.replaceChildren(...words, told);
    }
    setAttribute(
      this.#svg,
      'aria-label',
      `${this.title}, last ten minutes. ${words.map((each) => each.textContent).join(', ')}`,
    );
  }
}

function text(x: number, y: number, anchor: string, words: string): SVGTextElement {
  const made = svg('text', { x, y, 'text-anchor': anchor });
  setText(made, words);
  return made;
}
