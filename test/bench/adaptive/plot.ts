import { type Simulated, timeOf } from './report.js';
import { bestOf, type Phase } from './simulate.js';

const width = 820;
const left = 60;
const right = 10;
const colours = ['#d6336c', '#868e96', '#1c7ed6', '#2f9e44'];

/** A diagram over time: its title, its scale, and the lines in it. */
interface Panel {
  readonly title: string;
  readonly ticks: readonly number[];
  readonly isLogarithmic?: boolean;
  readonly lines: readonly {
    readonly colour: string;
    readonly values: readonly number[];
    readonly isDashed?: boolean;
  }[];
}

const height = 150;
const gap = 40;

function panelOf({ title, ticks, isLogarithmic, lines }: Panel, top: number, seconds: number): string {
  const scale = (value: number): number => (isLogarithmic ? Math.log(Math.max(value, ticks[0] as number)) : value);
  const [lowest, highest] = [scale(ticks[0] as number), scale(ticks.at(-1) as number)];
  const y = (value: number): number => top + height - ((scale(value) - lowest) / (highest - lowest)) * height;
  const x = (second: number): number => left + (second / seconds) * (width - left - right);
  const grid = ticks.map(
    (tick) =>
      `<path d="M${left} ${y(tick).toFixed(1)}H${width - right}" stroke="#dee2e6"/>` +
      `<text x="${left - 6}" y="${(y(tick) + 4).toFixed(1)}" text-anchor="end">${tick}</text>`,
  );
  const drawn = lines.map(({ colour, values, isDashed }) => {
    const points = values.map(
      (value, at) => `${x(at + 0.5).toFixed(1)} ${y(Math.min(value, ticks.at(-1) as number)).toFixed(1)}`,
    );
    const dashes = isDashed ? ' stroke-dasharray="4 3"' : '';
    return `<path d="M${points.join('L')}" fill="none" stroke="${colour}" stroke-width="1.5"${dashes}/>`;
  });
  return [`<text x="${left}" y="${top - 8}" font-weight="bold">${title}</text>`, ...grid, ...drawn].join('\n');
}

/** A drawing of what was seen, second by second; the first of them is the adaptive one, whose limit is drawn too. */
export function plotOf(phases: readonly Phase[], all: readonly Simulated[]): string {
  const seconds = phases.reduce((total, phase) => total + phase.seconds, 0);
  const lines = (figureOf: (seen: Simulated['seen'][number][number]) => number): Panel['lines'] =>
    all.map(({ seen }, at) => ({ colour: colours[at] as string, values: seen.flat().map(figureOf) }));
  const best = phases.flatMap((phase) => Array.from({ length: phase.seconds }, () => bestOf(phase)));
  const [first] = lines(({ limit }) => limit);
  const panels: Panel[] = [
    {
      title: 'calls ended in a second (dashed: the most that could)',
      ticks: [0, 200, 400, 600, 800],
      lines: [...lines(({ ended }) => ended), { colour: '#212529', values: best, isDashed: true }],
    },
    {
      title: 'the time that 99 % stay below, waits included, in ms',
      ticks: [10, 100, 1000, 10_000],
      isLogarithmic: true,
      lines: lines(({ times }) => timeOf(times, 0.99) ?? 0),
    },
    { title: 'the adaptive limit', ticks: [0, 20, 40, 60], lines: first === undefined ? [] : [first] },
  ];
  const bottom = panels.length * (height + gap) + gap;
  let second = 0;
  const borders = phases.map(({ name, seconds: lasts }) => {
    const at = left + (second / seconds) * (width - left - right);
    second += lasts;
    return `<path d="M${at.toFixed(1)} ${gap}V${bottom - gap + 4}" stroke="#adb5bd"/><text x="${(at + 3).toFixed(1)}" y="${bottom - gap + 16}" font-size="10">${name}</text>`;
  });
  const legend = all.map(
    ({ name }, at) =>
      `<text x="${left + at * 180}" y="${bottom - 4}" fill="${colours[at]}" font-weight="bold">${name}</text>`,
  );
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${bottom}" font-family="sans-serif" font-size="12">`,
    '<title>An adaptive limit beside fixed ones, second by second</title>',
    `<rect width="${width}" height="${bottom}" fill="#fff"/>`,
    ...borders,
    ...panels.map((panel, at) => panelOf(panel, gap + at * (height + gap), seconds)),
    ...legend,
    '</svg>',
    '',
  ].join('\n');
}
