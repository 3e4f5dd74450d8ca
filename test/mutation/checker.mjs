/**
 * Leaves mutants out of a run, by the environment: `SAMPLE=0.2 SEED=1` tries a fifth of them, drawn at random by the
 * seed; `AGAIN=out/a.json,out/b.json` those that survived the runs of these reports, or ran out of time, on the same code.
 * For Stryker what is left out is a mutant that does not compile: it tries it against no test, and counts it neither way.
 */
import { readFileSync } from 'node:fs';
import { relative } from 'node:path';
import { declareValuePlugin, PluginKind } from '@stryker-mutator/api/plugin';
import { drawn, nameOf, survivorsOf } from './choice.mjs';

const { SAMPLE, SEED, AGAIN } = process.env;
const isDrawn = SAMPLE ? drawn(Number(SAMPLE), SEED ?? '1') : () => true;
const reports = AGAIN?.split(',').map((file) => JSON.parse(readFileSync(file, 'utf8'))) ?? [];
const alive = AGAIN ? new Set(reports.flatMap((report) => [...survivorsOf(report)])) : undefined;
const isChosen = (name) => isDrawn(name) && (alive?.has(name) ?? true);

/** Stryker counts from 0 here. */
const fromOne = ({ line, column }) => ({ line: line + 1, column: column + 1 });

const resultOf = ({ fileName, location: { start, end }, replacement }) =>
  isChosen(nameOf(relative('', fileName), { start: fromOne(start), end: fromOne(end) }, replacement))
    ? { status: 'passed' }
    : { status: 'compileError', reason: 'left out' };

export const strykerPlugins = [
  declareValuePlugin(PluginKind.Checker, 'choice', {
    async init() {},
    /** All at once: it takes no time. */
    async group(mutants) {
      return [mutants.map(({ id }) => id)];
    },
    async check(mutants) {
      return Object.fromEntries(mutants.map((mutant) => [mutant.id, resultOf(mutant)]));
    },
  }),
];
