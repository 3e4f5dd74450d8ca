import { strict as assert } from 'node:assert';

/** Fails unless every window of the given length holds at most `count` of the starts; both its ends are looked at. */
export function assertWindows(starts: readonly number[], count: number, window: number): void {
  for (let i = 0; i + count < starts.length; i++) {
    const apart = starts[i + count] - starts[i];
    assert.ok(apart >= window, `starts ${i} and ${i + count} are ${apart} ms apart, less than ${window}`);
  }
}
