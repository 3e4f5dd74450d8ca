import { strict as assert } from 'node:assert';
import { existsSync, readFileSync } from 'node:fs';
import { describe, test } from 'node:test';

type Entry = readonly (string | number)[];
type Reasons = readonly { readonly why: string; readonly of: readonly Entry[] }[];

interface Judged {
  readonly total: number;
  readonly leftOut: number;
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

const { nameOf, drawn, survivorsOf, marginOf } = (await import(new URL('choice.mjs', folder).href)) as {
  nameOf(file: string, location: object, replacement: string): string;
  drawn(share: number, seed: string): (name: string) => boolean;
  survivorsOf(report: unknown): ReadonlySet<string>;
  marginOf(noticed: number, tried: number, whole: number): number;
};

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

  test('are fewer than a reason says where mutants were left out, never more', () => {
    const report = reportOf([condition, 'true', 'Survived'], [condition, 'false', 'CompileError']);
    const { total, leftOut, miscounted } = judge(report, reasonsOf(['core/a.ts', 'a > 0', 2]));
    assert.deepEqual([total, leftOut, miscounted], [1, 1, []]);
    const two = reportOf([condition, 'true', 'Survived'], [condition, '1', 'Survived'], [call, '', 'CompileError']);
    assert.equal(judge(two, reasonsOf(['core/a.ts', 'a > 0'])).miscounted.length, 1);
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

describe('the mutants that a run tries', () => {
  const names = Array.from({ length: 2_000 }, (_, line) => nameOf('src/core/a.ts', at(line, 1, line, 9), 'true'));

  test('are drawn at random in the part that is asked for, the same ones by the same seed', () => {
    const [once, again, other] = ['1', '1', '2'].map((seed) => names.filter(drawn(0.2, seed)));
    assert.deepEqual(once, again);
    assert.notDeepEqual(once, other);
    assert.ok(Math.abs((once as string[]).length - 400) < 60, String(once?.length));
    assert.deepEqual([names.filter(drawn(0, '1')).length, names.filter(drawn(1, '1')).length], [0, 2_000]);
  });

  test('are those that survived or ran out of time, where a run is to try these again', () => {
    const report = reportOf(
      [condition, 'true', 'Survived'],
      [condition, 'false', 'Killed'],
      [call, '', 'NoCoverage'],
      [call, 'c()', 'Timeout'],
    );
    const alive = [nameOf('src/core/a.ts', condition, 'true'), nameOf('src/core/a.ts', call, '')];
    assert.deepEqual([...survivorsOf(report)], [...alive, nameOf('src/core/a.ts', call, 'c()')]);
    // Told by how often its code was reached, not by time.
    const [loop] = report.files['src/core/a.ts'].mutants.slice(3);
    Object.assign(loop ?? {}, { statusReason: 'Hit limit reached (101/100)' });
    assert.deepEqual([...survivorsOf(report)], alive);
  });

  test('tell of all with a margin, which shrinks with how many they are, down to nothing', () => {
    const margins = [100, 400, 1_000].map((tried) => marginOf(tried * 0.95, tried, 2_000));
    assert.deepEqual(
      margins.map((each) => each.toFixed(3)),
      ['0.047', '0.020', '0.010'],
    );
    assert.equal(marginOf(1_900, 2_000, 2_000), 0);
  });
});
