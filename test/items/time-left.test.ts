import { strict as assert } from 'node:assert';
import { describe, test } from 'node:test';
import { runProgram } from '../support/run-program.js';

interface Frame {
  /** Milliseconds since the beginning. */
  readonly time: number;
  readonly done: number;
  /** Seconds; undefined where nothing is said of it. */
  readonly left: number | undefined;
  readonly text: string;
}

const total = 120;

/** The seconds that a time on the bar stands for. */
function secondsOf(text: string): number | undefined {
  const [, told] = /\| ([0-9hms]+) left/.exec(text) ?? [];
  if (told === undefined) return undefined;
  const of = (unit: string): number => Number(new RegExp(`(\\d+)${unit}`).exec(told)?.[1] ?? 0);
  return of('h') * 3600 + of('m') * 60 + of('s');
}

async function framesOf(way: string): Promise<Frame[]> {
  const { code, stdout, stderr } = await runProgram('time-left', { args: [way] });
  assert.equal(code, 0, stderr);
  const frames = JSON.parse(stdout) as [time: number, done: number, text: string][];
  return frames.map(([time, done, text]) => ({ time, done, text, left: secondsOf(text) }));
}

const told = (frames: readonly Frame[]): (Frame & { left: number })[] =>
  frames.filter((frame): frame is Frame & { left: number } => frame.left !== undefined);

describe('the time left on the bar', () => {
  for (const way of ['even', 'bursts', 'uneven', 'slower']) {
    test(`is not told before there is a rate, nor by any word that is no time (${way})`, async () => {
      const frames = await framesOf(way);
      assert.ok(told(frames).length > 20);
      const first = told(frames)[0] as Frame;
      assert.ok(first.done >= 3 && first.time >= 5000, first.text);
      for (const { text, time } of frames) {
        assert.doesNotMatch(text, /NaN|NULL|INF|Infinity|undefined/);
        if (time < first.time) assert.doesNotMatch(text, /left|\/s/);
      }
    });
  }

  // One a second, all of them, taken over some time.
  for (const way of ['even', 'bursts', 'uneven']) {
    test(`is near the truth, and does not jump (${way})`, async () => {
      const frames = told(await framesOf(way));
      for (const { time, left, text } of frames) {
        const truth = total - time / 1000;
        assert.ok(Math.abs(left - truth) <= 5 + truth * 0.35, `${truth} s were left: ${text}`);
      }
      for (const [index, { left, text }] of frames.entries()) {
        const before = frames[index - 1]?.left ?? left;
        assert.ok(Math.abs(left - before) <= 4 + before * 0.35, `${before} s before: ${text}`);
      }
    });
  }

  test('follows a change of pace step by step', async () => {
    const frames = told(await framesOf('slower'));
    const at = (done: number): number => frames.findLast((frame) => frame.done === done)?.left as number;
    // 30 s were left at the pace so far, 120 s were left in truth.
    assert.ok(at(59) <= 35, `${at(59)} s`);
    assert.ok(at(80) > 60 && at(80) < 90, `${at(80)} s where 80 s were left`);
    assert.ok(at(100) > 32 && at(100) < 44, `${at(100)} s where 40 s were left`);
  });

  test('goes by the rate that stands beside it', async () => {
    for (const { done, left, text } of told(await framesOf('uneven'))) {
      const rate = Number(/([\d.]+)\/s/.exec(text)?.[1]);
      assert.ok(Math.abs((total - done) / rate - left) <= 3 + left * 0.1, text);
    }
  });
});
