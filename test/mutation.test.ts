import { strict as assert } from 'node:assert';
import { existsSync, readFileSync } from 'node:fs';
import { describe, test } from 'node:test';

type Entry = readonly (string | number)[];
type Reasons = readonly { readonly why: string; readonly of: readonly Entry[] }[];

interface Judged {
  readonly total: number;
  readonly noticed: number;
  readonly survived: number;
  readonly explained: ReadonlyMap<string, readonly string[]>;
  readonly unexplained: readonly string[];
  readonly miscounted: readonly string[];
}

const folder = new URL('../../test/mutation/', import.meta.url);
const { judge } = (await import(new URL('judge.mjs', folder).href)) as {
  judge(report: unknown, reasons: Reasons): Judged;
};
const { reasons: ours } = (await import(new URL('survivors.mjs', folder).href)) as { reasons: Reasons };

const source = 'const a = 1;\nif (a >\n  0) b();\n';
const at = (line: number, column: number, endLine: number, endColumn: number) => ({
  start: { line, column },
  end: { line: endLine, column: endColumn },
});
const condition = at(2, 5, 3, 4);
const call = at(3, 6, 3, 10);

/** A report on one file, of mutants that are given by what they become. */
const reportOf = (...mutants: [location: object, replacement: string, status: string][]) => ({
  files: {
    'src/core/a.ts': {
      source,
      mutants: mutants.map(([location, replacement, status]) => ({ location, replacement, status })),
    },
  },
});

/** Code on one line, as reasons give it. */
const flat = (code: string): string => code.replace(/\s+/g, ' ');

const reasonsOf = (...of: Entry[]): Reasons => [{ why: 'because', of }];

describe('the mutants that survive', () => {
  test('are counted beside those that were noticed, and are explained by file, code and what it becomes', () => {
    const report = reportOf([condition, 'true', 'Survived'], [condition, 'false', 'Killed'], [call, '', 'Timeout']);
    const { total, noticed, survived, explained, unexplained, miscounted } = judge(
      report,
      reasonsOf(['core/a.ts', 'a > 0', 'true']),
    );
    assert.deepEqual([total, noticed, survived], [3, 2, 1]);
    assert.deepEqual(explained.get('because'), ['core/a.ts:2 a > 0 -> true']);
    assert.deepEqual([unexplained, miscounted], [[], []]);
  });

  test('have no reason in one for another file, code or replacement', () => {
    const report = reportOf([condition, 'true', 'NoCoverage']);
    for (const entry of [
      ['core/b.ts', 'a > 0', 'true'],
      ['core/a.ts', 'b()', 'true'],
      ['core/a.ts', 'a > 0', 'false'],
    ]) {
      const { unexplained, miscounted } = judge(report, reasonsOf(entry));
      assert.deepEqual(unexplained, ['core/a.ts:2 a > 0 -> true']);
      // A run over other files has nothing to say of it.
      assert.deepEqual(miscounted, entry[0] === 'core/b.ts' ? [] : [`${entry.join(' | ')}: 0 in place of 1`]);
    }
  });

  test('must be as many as the reason says, or one', () => {
    const report = reportOf([condition, 'true', 'Survived'], [condition, 'a >= 0', 'Survived']);
    assert.deepEqual(judge(report, reasonsOf(['core/a.ts', 'a > 0', 2])).miscounted, []);
    assert.deepEqual(judge(report, reasonsOf(['core/a.ts', 'a > 0'])).miscounted, [
      'core/a.ts | a > 0: 2 in place of 1',
    ]);
    assert.deepEqual(judge(report, reasonsOf(['core/a.ts', 'a > 0', 3])).miscounted, [
      'core/a.ts | a > 0 | 3: 2 in place of 3',
    ]);
    const both = reasonsOf(['core/a.ts', 'a > 0', 'true'], ['core/a.ts', 'a > 0', 'a >= 0']);
    assert.deepEqual(judge(report, both).miscounted, []);
  });

  test('have reasons that are written once each, and name code that is there', () => {
    const entries = ours.flatMap(({ of }) => of);
    assert.equal(new Set(entries.map((entry) => entry.join(' | '))).size, entries.length);
    for (const [file, code] of entries) {
      const source = new URL(`../../src/${file}`, import.meta.url);
      assert.ok(existsSync(source), String(file));
      assert.ok(flat(readFileSync(source, 'utf8')).includes(String(code)), `${file} has ${code}`);
    }
  });
});
