import type { Line } from './server.js';

/** A panel of the board, and what its queries gave. */
export interface Drawn {
  readonly title: string;
  readonly type: string;
  readonly unit: string;
  readonly isStacked: boolean;
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly lines: readonly (Pick<Line, 'points'> & { readonly name: string })[];
}

const column = 50;
const row = 30;
const gap = 8;
const colours = ['#1c7ed6', '#e8590c', '#2f9e44', '#d6336c', '#7048e8', '#0c8599', '#f08c00', '#495057'];
const states = [
  ['closed', '#40c057'],
  ['half-open', '#fab005'],
  ['open', '#fa5252'],
  ['isolated', '#be4bdb'],
] as const;

const escaped = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
const short = (value: number): string => String(Number(value.toPrecision(2)));

const show: Readonly<Record<string, (value: number) => string>> = {
  s: (value) => (value >= 1 || value === 0 ? `${short(value)} s` : `${short(value * 1000)} ms`),
  percentunit: (value) => `${short(value * 100)} %`,
  cps: (value) => `${short(value)}/s`,
  short,
};

/** Round numbers from 0 to beyond the highest value. */
function ticksTo(highest: number): number[] {
  const rough = (highest || 1) / 4;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * ([1, 2, 2.5, 5, 10].find((each) => each * power >= rough) ?? 10);
  return Array.from({ length: Math.floor(highest / step + 0.999) + 1 }, (_, at) => at * step);
}

/** Each line on top of those before it. */
function stacked(lines: Drawn['lines']): Drawn['lines'] {
  const sums = new Map<number, number>();
  return lines.map(({ name, points }) => ({
    name,
    points: points.map(([second, value]) => {
      const sum = (sums.get(second) ?? 0) + (Number.isFinite(value) ? value : 0);
      sums.set(second, sum);
      return [second, sum] as const;
    }),
  }));
}

/** A colour, half as strong, through which nothing shows. */
const mixed = (colour = '#000000'): string =>
  `#${[1, 3, 5]
    .map((at) =>
      Math.round((Number.parseInt(colour.slice(at, at + 2), 16) + 2 * 255) / 3)
        .toString(16)
        .padStart(2, '0'),
    )
    .join('')}`;

/** Where a panel draws. */
interface Area {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

/** The names of the lines, in rows beneath. Gives how many rows there are, and the drawing. */
function legendOf(names: readonly string[], { left, width }: Area, bottom: number): { rows: number; text: string } {
  let x = left;
  let rows = 1;
  const placed = names.map((name, at) => {
    const needed = name.length * 5.2 + 22;
    if (x + needed > left + width && x > left) {
      x = left;
      rows++;
    }
    const place = { name, at, x, row: rows };
    x += needed;
    return place;
  });
  const text = placed.map(({ name, at, x: from, row: which }) => {
    const y = bottom - (rows - which) * 13;
    return `<path d="M${from.toFixed(0)} ${y - 3}h10" stroke="${colours[at % colours.length]}" stroke-width="3"/><text x="${(from + 14).toFixed(0)}" y="${y}" font-size="10">${escaped(name)}</text>`;
  });
  return { rows, text: text.join('\n') };
}

function plot({ lines, unit, isStacked }: Drawn, area: Area, seconds: number): string {
  const drawn = isStacked ? stacked(lines) : lines;
  const values = drawn.flatMap(({ points }) => points.map(([, value]) => value)).filter(Number.isFinite);
  const ticks = ticksTo(Math.max(0, ...values));
  const highest = ticks.at(-1) || 1;
  const x = (second: number): string => (area.left + (second / seconds) * area.width).toFixed(1);
  const y = (value: number): string => (area.top + area.height * (1 - value / highest)).toFixed(1);
  const grid = ticks.map(
    (tick) =>
      `<path d="M${area.left} ${y(tick)}h${area.width}" stroke="#e9ecef"/><text x="${area.left - 5}" y="${Number(y(tick)) + 3}" text-anchor="end" font-size="10" fill="#868e96">${(show[unit] ?? short)(tick)}</text>`,
  );
  const paths = drawn.map(({ points }, at) => {
    let isDown = false;
    const steps = points.flatMap(([second, value]) => {
      const move = isDown ? 'L' : 'M';
      isDown = Number.isFinite(value);
      return isDown ? [`${move}${x(second)} ${y(value)}`] : [];
    });
    const colour = colours[at % colours.length];
    const [first = [0], last = [0]] = [points[0], points.at(-1)];
    const base = `V${y(0)}H${x(first[0])}Z`;
    // What is on top was drawn before, so that it shows above what hides the rest of it.
    const filled = isStacked && last !== first ? `<path d="${steps.join('')}${base}" fill="${mixed(colour)}"/>` : '';
    return `${filled}<path d="${steps.join('')}" fill="none" stroke="${colour}" stroke-width="1.3"/>`;
  });
  return [...grid, ...(isStacked ? paths.reverse() : paths)].join('\n');
}

/** The states of each line over time, side by side. */
function timeline({ lines }: Drawn, area: Area, seconds: number): string {
  const height = area.height / Math.max(1, lines.length);
  const bars = lines.flatMap(({ name, points }, at) => {
    const top = area.top + at * height;
    const runs: { from: number; to: number; state: number }[] = [];
    for (const [at, [second, state]] of points.entries()) {
      const to = points[at + 1]?.[0] ?? second;
      const last = runs.at(-1);
      if (last?.state === state) last.to = to;
      else runs.push({ from: second, to, state });
    }
    const rects = runs.map(({ from, to, state }) => {
      const x = area.left + (from / seconds) * area.width;
      const width = ((to - from) / seconds) * area.width;
      return `<rect x="${x.toFixed(1)}" y="${(top + 14).toFixed(1)}" width="${width.toFixed(1)}" height="${(height - 22).toFixed(1)}" fill="${states[state]?.[1]}"/>`;
    });
    return [`<text x="${area.left}" y="${(top + 10).toFixed(1)}" font-size="10">${escaped(name)}</text>`, ...rects];
  });
  const legend = states.map(
    ([name, colour], at) =>
      `<rect x="${area.left + at * 80}" y="${area.top + area.height + 6}" width="10" height="10" fill="${colour}"/><text x="${area.left + at * 80 + 14}" y="${area.top + area.height + 15}" font-size="10">${name}</text>`,
  );
  return [...bars, ...legend].join('\n');
}

function panelOf(panel: Drawn, seconds: number): string {
  const { x, y, w, h } = panel.gridPos;
  const [left, top, width, height] = [x * column + gap / 2, y * row + gap / 2 + 40, w * column - gap, h * row - gap];
  const frame = `<rect x="${left}" y="${top}" width="${width}" height="${height}" rx="3" fill="#fff" stroke="#dee2e6"/><text x="${left + 10}" y="${top + 19}" font-weight="bold" font-size="12">${escaped(panel.title)}</text>`;
  const isTimeline = panel.type === 'state-timeline';
  const inner = {
    left: left + (isTimeline ? 12 : 52),
    top: top + 32,
    width: width - (isTimeline ? 24 : 64),
    height: 0,
  };
  if (isTimeline) {
    return [frame, timeline(panel, { ...inner, height: height - 62 }, seconds)].join('\n');
  }
  const names = panel.lines.map(({ name }) => name);
  const legend = legendOf(names, { ...inner, left: left + 10, width: width - 20 }, top + height - 8);
  const area = { ...inner, height: height - 48 - legend.rows * 13 };
  return [frame, plot(panel, area, seconds), legend.text].join('\n');
}

/** The whole board, as its panels stand. */
export function boardOf(title: string, panels: readonly Drawn[], seconds: number): string {
  const width = 24 * column;
  const height = Math.max(...panels.map(({ gridPos: { y, h } }) => y + h)) * row + 48;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="sans-serif" fill="#212529">`,
    `<title>${escaped(title)}</title>`,
    `<rect width="${width}" height="${height}" fill="#f8f9fa"/>`,
    `<text x="12" y="27" font-size="16" font-weight="bold">${escaped(title)}</text>`,
    ...panels.map((panel) => panelOf(panel, seconds)),
    '</svg>',
    '',
  ].join('\n');
}
