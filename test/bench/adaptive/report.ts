import { bestOf, type Phase, type Seen } from './simulate.js';

/** A limit that was simulated, and what was seen by second of each phase. */
export interface Simulated {
  readonly name: string;
  readonly seen: readonly (readonly Seen[])[];
}

export const sum = (values: readonly number[]): number => values.reduce((all, each) => all + each, 0);

/** The time that so great a share of the calls stays below, in milliseconds; undefined where none ended. */
export function timeOf(times: readonly number[], share: number): number | undefined {
  const sorted = [...times].sort((one, other) => one - other);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
}

const perSecond = (phase: readonly Seen[]): number => sum(phase.map(({ ended }) => ended)) / phase.length;

/** What of the most that could end did so, in the phases in which more calls come than the server bears. */
export function shareOfBest(phases: readonly Phase[], { seen }: Simulated): number {
  const full = [...phases.entries()].filter(([, phase]) => bestOf(phase) < phase.load);
  const ended = sum(full.map(([at]) => sum((seen[at] as readonly Seen[]).map((each) => each.ended))));
  return ended / sum(full.map(([, phase]) => bestOf(phase) * phase.seconds));
}

const cell = (phase: readonly Seen[]): string => {
  const p99 = timeOf(
    phase.flatMap(({ times }) => times),
    0.99,
  );
  return `${Math.round(perSecond(phase))}/s, ${Math.round(p99 ?? 0)} ms`;
};

/** What was seen in each phase, a line for each. */
export function tableOf(phases: readonly Phase[], all: readonly Simulated[]): string {
  const lines = phases.map((phase, at) => [
    phase.name,
    `${phase.load}/s`,
    `${Math.round(bestOf(phase))}/s`,
    ...all.map(({ seen }) => cell(seen[at] as readonly Seen[])),
  ]);
  const shares = all.map((each) => `${(shareOfBest(phases, each) * 100).toFixed(1)} %`);
  const table = [
    ['', 'offered', 'best', ...all.map(({ name }) => name)],
    Array.from({ length: all.length + 3 }, () => '---'),
    ...lines,
    ['of the best, where too much', '', '', ...shares],
  ];
  return table.map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}
