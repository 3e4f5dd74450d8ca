import { strict as assert } from 'node:assert';
import { describe, test } from 'node:test';
import { better, compare, judge } from './report.js';
import { rowsOf } from './section.js';

/** What each row is compared with: the row whose value, times the ratio, gives its own. */
function bases(values: Record<string, number>, reference?: string): Record<string, string | undefined> {
  const compared = compare({ rows: rowsOf(values), ...(reference !== undefined && { reference }) });
  return Object.fromEntries(
    compared.map(({ name, value, ratio }) => [
      name,
      Object.keys(values).find((each) => ratio !== undefined && Math.abs(value / values[each] - ratio) < 1e-9),
    ]),
  );
}

describe('a row is compared with', () => {
  test('opero, what stands alone beside it included', () => {
    const values = { 'a wrapper, no await': 2, opero: 3, 'opero, with a signal': 5, 'peer (no retry, no limit)': 7 };
    assert.deepEqual([...new Set(Object.values(bases(values)))], ['opero']);
  });

  test('opero in the same circumstances, where a section has several', () => {
    const values = { opero: 2, peer: 3, 'opero, in a process of its own': 5, 'peer, in a process of its own': 7 };
    assert.deepEqual(bases(values), {
      opero: 'opero',
      peer: 'opero',
      'opero, in a process of its own': 'opero, in a process of its own',
      'peer, in a process of its own': 'opero, in a process of its own',
    });
  });

  test('opero by the same measure, where no row tells of it alone', () => {
    const values = { 'opero, late by': 2, 'opero, latest by': 3, 'peer, late by': 5, 'peer, latest by': 7 };
    const { 'peer, late by': late, 'peer, latest by': latest } = bases(values);
    assert.deepEqual([late, latest], ['opero, late by', 'opero, latest by']);
  });

  test('the reference that the section names', () => {
    const values = { 'opero, 1,000': 2, 'opero, 10,000': 3, 'peer, 1,000': 5, 'peer, 10,000': 7 };
    assert.deepEqual([...new Set(Object.values(bases(values, 'opero, 1,000')))], ['opero, 1,000']);
  });
});

describe('a figure', () => {
  const lostOf = (figures: Parameters<typeof judge>[0]): boolean[] => judge(figures).map(({ lost }) => lost);

  test('is lost beyond a third more than what is demanded', () => {
    assert.deepEqual(lostOf({ figures: { metricsTime: 4 } }), [false]);
    assert.deepEqual(lostOf({ figures: { metricsTime: 5 } }), [false]);
    assert.deepEqual(lostOf({ figures: { metricsTime: 6 } }), [true]);
    assert.deepEqual(lostOf({ figures: { metricsTime: Number.NaN } }), [true]);
  });

  test('of time may be as much higher as the machine was slower, a ratio may not', () => {
    assert.deepEqual(lostOf({ figures: { metricsTime: 9 }, slowness: 2 }), [false]);
    assert.deepEqual(lostOf({ figures: { metricsTime: 11 }, slowness: 2 }), [true]);
    assert.deepEqual(lostOf({ figures: { threeToFloor: 2.5 }, slowness: 2 }), [true]);
  });

  test('that was measured again counts as the better of both', () => {
    const [first, again] = [
      judge({ figures: { tasks: 1, stream: 0.5 } }),
      judge({ figures: { tasks: 1.8, stream: 3 } }),
    ];
    const values = (verdicts: typeof first) => verdicts.map(({ value }) => value);
    assert.deepEqual(values(better(first, again)), [1.8, 0.5]);
    assert.deepEqual(values(better(again, first)), [1.8, 0.5]);
    const unmeasured = judge({ figures: { tasks: Number.NaN, stream: Number.NaN } });
    assert.deepEqual(values(better(unmeasured, again)), [1.8, 3]);
  });
});
