/** Which mutants a run tries: all, a part of them at random, or those that survived an earlier run. */
import { createHash } from 'node:crypto';

/** A mutant by what it does, whoever counts it. A report counts lines and columns from 1, as here. */
export const nameOf = (file, { start, end }, replacement) =>
  `${file}:${start.line}:${start.column}-${end.line}:${end.column} ${replacement}`;

/** Draws the part `share` of all names, each by itself: the same seed draws the same ones, in whatever files. */
export const drawn = (share, seed) => (name) =>
  createHash('sha256').update(`${seed} ${name}`).digest().readUInt32BE() / 2 ** 32 < share;

/** One of which a time limit alone tells may have run on a machine that was busy with other things. */
const isTimed = ({ status, statusReason = '' }) => status === 'Timeout' && !statusReason.startsWith('Hit limit');
const isAlive = (mutant) => ['Survived', 'NoCoverage'].includes(mutant.status) || isTimed(mutant);

/** The names of those that survived the run of a report, or may have. */
export const survivorsOf = ({ files }) =>
  new Set(
    Object.entries(files).flatMap(([file, { mutants }]) =>
      mutants.filter(isAlive).map(({ location, replacement = '' }) => nameOf(file, location, replacement)),
    ),
  );

/**
 * How far the share of a sample may lie from that of the whole, in 95 of 100 samples: the interval of Agresti and Coull,
 * narrower where the sample is a good part of the whole.
 */
export function marginOf(noticed, tried, whole) {
  const share = (noticed + 2) / (tried + 4);
  return 1.96 * Math.sqrt(((share * (1 - share)) / (tried + 4)) * (1 - tried / whole));
}
