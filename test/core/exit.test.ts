import { strict as assert } from 'node:assert';
import { describe, test } from 'node:test';
import { runProgram } from '../support/run-program.js';

describe('the end of a program', () => {
  test('a program that used limiters of a minute finishes by itself', async () => {
    const { code, stdout, stderr } = await runProgram('lingering');
    assert.equal(stderr, '');
    assert.equal(code, 0);
    const lingered = Number(stdout);
    // What would hold it takes a minute.
    assert.ok(lingered >= 0 && lingered < 10_000, `it stayed for ${stdout} ms`);
  });

  for (const [kind, expected] of [
    ['rateLimit', 'second'],
    ['retry', 'second'],
    ['attempt', 'attempt'],
    ['total', 'total'],
    ['hedge', 'hedge'],
    ['maxWait', 'wait-timeout'],
  ] as const) {
    test(`a program whose caller awaits the wait of ${kind} stays alive until it is over`, async () => {
      const { code, stdout, stderr } = await runProgram('awaiting', { args: [kind] });
      assert.equal(stderr, '');
      assert.equal(stdout.trim(), expected);
      assert.equal(code, 0);
    });
  }

  test('100,000 keys leave no memory behind', async () => {
    const { code, stdout, stderr } = await runProgram('keys', { flags: ['--expose-gc'] });
    assert.equal(stderr, '');
    assert.equal(code, 0);
    const left = Number(stdout);
    assert.ok(left <= 2_000_000, `${stdout.trim()} bytes are left`);
  });

  test('a million starts of a rate limit leave no memory behind', async () => {
    const { code, stdout, stderr } = await runProgram('starts', { flags: ['--expose-gc'] });
    assert.equal(stderr, '');
    assert.equal(code, 0);
    assert.ok(Number(stdout) <= 1_000_000, `${stdout.trim()} bytes are left`);
  });

  test('a call of 100,000 attempts takes no more memory than one of a few', async () => {
    const { code, stdout, stderr } = await runProgram('retries', { flags: ['--expose-gc'] });
    assert.equal(stderr, '');
    assert.equal(code, 0);
    assert.ok(Number(stdout) <= 2_000_000, `${stdout.trim()} bytes more`);
  });
});
