import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import { takes, versionOf } from './newest.js';

for (const [range, node, expected] of [
  ['>=22', '20.19.0', false],
  ['>=22', '22.0.0', true],
  ['>=22', '26.1.2', true],
  ['>=20.19', '20.18.3', false],
  ['>=20.19', '20.19.0', true],
  ['>=20.19.2', '20.19.1', false],
  ['^26 || ^24 || ^22', '20.19.0', false],
  ['^26 || ^24 || ^22', '24.1.0', true],
  ['^26 || ^24 || ^22', '25.0.0', false],
  ['20 || >=22', '20.19.0', true],
  ['20 || >=22', '21.0.0', false],
  ['20 || >=22', '24.1.0', true],
  ['^20.0.0 || >=22.0.0', '20.19.0', true],
  ['^20.0.0 || >=22.0.0', '21.0.0', false],
] as const) {
  test(`Node ${node} is ${expected ? '' : 'not '}in the range ${range}`, () => {
    assert.equal(takes(range, node), expected);
  });
}

test('a range of another form is refused rather than guessed at', () => {
  assert.throws(() => takes('18 - 20', '20.19.0'), /expected a range/);
});

test('the peers are the newest that this Node runs', async () => {
  const isNew = Number.parseInt(process.versions.node, 10) >= 22;
  const majors = await Promise.all(
    ['cockatiel', 'opossum', 'p-retry', 'p-queue'].map(async (name) => Number.parseInt(await versionOf(name), 10)),
  );
  assert.deepEqual(majors, isNew ? [4, 10, 9, 10] : [3, 9, 7, 9]);
});
