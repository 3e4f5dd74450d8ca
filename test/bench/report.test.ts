import { strict as assert } from 'node:assert';
import { describe, test } from 'node:test';
import { compare } from './report.js';
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
