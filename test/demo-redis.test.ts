import { strict as assert } from 'node:assert';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { mostWithin } from '../examples/demo/lines.js';
import { paintFor } from '../examples/demo/paint.js';
import { Quota } from '../examples/demo/redis/quota.js';
import type { ProcessReport, SeenRequest } from '../examples/demo/redis/record.js';
import type { Killed, Story } from '../examples/demo/redis/story.js';
import { showStory, summarize } from '../examples/demo/redis/summary.js';
import { exitStatus } from '../examples/demo/summary.js';
import { showSummary, wrap } from '../examples/demo/table.js';

const plain = paintFor({ isTTY: false });

const request = (process: number, call: number, started: number, more: Partial<SeenRequest> = {}): SeenRequest => ({
  process,
  of: 'api',
  call,
  attempt: 1,
  started,
  arrived: started + 2,
  outcome: 'ok',
  ...more,
});

const archive = (process: number, call: number, started: number, outcome: SeenRequest['outcome']): SeenRequest =>
  request(process, call, started, { of: 'archive', outcome });

/**
 * Two processes under two starts a second and two at once. The second was killed at 3000 with a call and a report, and its slot
 * was back at 5010; Redis was away from 6000 to 6500, and had a report in it. The first made three calls, of which one got its fallback. All promises
 * were kept.
 */
function storyOf(): Story {
  const report: ProcessReport = {
    made: 3,
    succeeded: [1, 3],
    fallback: 1,
    failed: [],
    attempts: 3,
    trips: { permits: 3, slots: 6 },
    down: 1,
    lost: 0,
  };
  return {
    limits: { rate: 2, per: 1000, limit: 2 },
    lease: 2000,
    processes: 2,
    requests: [
      request(1, 1, 1000),
      request(2, 1, 1500),
      request(2, 2, 2900, { outcome: 'hung up' }),
      archive(2, 7, 2900, 'hung up'),
      request(1, 2, 5000, { outcome: '503' }),
      archive(1, 7, 5500, 'ok'),
      request(1, 3, 7600),
    ],
    mostAtOnce: 2,
    reports: [report],
    rush: { from: 1000, to: 2000 },
    killed: { process: 2, at: 3000, slots: 1, months: [7], backAt: 5010, slowness: { trip: 1, late: 1 }, late: 1 },
    outage: { from: 6000, to: 6500 },
    asked: 8,
    askedThen: 1,
    came: [0, 1, 2, 3, 4, 5, 6, 7, 8],
  };
}

describe('the summary of the demo on Redis', () => {
  const given = storyOf();
  const [first, second, cutOff, lost, failed, again, last] = given.requests as readonly [
    SeenRequest,
    SeenRequest,
    SeenRequest,
    SeenRequest,
    SeenRequest,
    SeenRequest,
    SeenRequest,
  ];
  const killed = (more: Partial<Killed>): Partial<Story> => ({ killed: { ...given.killed, ...more } });
  const reported = (more: Partial<ProcessReport>): Partial<Story> => ({
    reports: [{ ...(given.reports[0] as ProcessReport), ...more }],
  });

  test('finds that a true story keeps every promise, and fits 80 columns', () => {
    const summary = summarize(given);
    assert.deepEqual(
      summary.promises.filter(({ kept }) => !kept),
      [],
    );
    assert.equal(exitStatus(summary), 0);
    assert.deepEqual([summary.requests, summary.reached, summary.outage, summary.still], [5, 2, 500, 2600]);
    const text = `${wrap(showStory(summary, given), 79)}\n${showSummary(summary, 80, plain)}`;
    assert.match(text, /All 15 promises were kept\.$/);
    for (const line of text.split('\n')) assert.ok(line.length <= 80, line);
  });

  const falsified: readonly (readonly [broken: string, more: Partial<Story>])[] = [
    ['requests over the quota (429)', { requests: [...given.requests, request(2, 3, 2000, { outcome: '429' })] }],
    ['requests in any second, all processes', { requests: [...given.requests, request(2, 3, 1999.9)] }],
    ['requests at once, all processes', { mostAtOnce: 3 }],
    ['processes that told of their calls', { reports: [undefined] }],
    ['calls with an answer, or their fallback', reported({ fallback: 0 })],
    ['calls with an answer, or their fallback', reported({ fallback: 0, failed: ['Error: no'] })],
    ['successful calls that the server answered', reported({ succeeded: [1, 2, 3], fallback: 0 })],
    [
      'successful calls that the server answered',
      { requests: [first, second, cutOff, lost, failed, again, { ...last, process: 2 }] },
    ],
    ['requests, as many as attempts in statsOf()', reported({ attempts: 4 })],
    ['all 2 slots in use again after the kill', killed({ backAt: undefined })],
    ['all 2 slots in use again after the kill', killed({ backAt: 5010.1 })],
    ['reports, as jobs, that came', { came: [0, 1, 2, 3, 4, 5, 6, 8] }],
    ['reports, as jobs, that came', { came: [0, 1, 2, 3, 4, 5, 6, 6, 8] }],
    ['reports in Redis as it was killed, that came', { came: [0, 1, 2, 3, 4, 5, 6, 7, 7] }],
    ['reports of the killed process, run again', { requests: [first, second, cutOff, lost, failed, last] }],
    ['reports of the killed process, run again', killed({ months: [] })],
    ['processes that went on after the restart', { outage: { from: 6000, to: 6600 } }],
    ['processes that had a part of the rush', { rush: { from: 1000, to: 1400 } }],
    ['processes that had a part of the rush', { rush: { from: 0, to: 10 } }],
    ['round trips to Redis for a start', reported({ trips: { permits: 4, slots: 6 } })],
    [
      'requests left open at the end',
      { requests: [first, second, { ...cutOff, outcome: 'open' }, lost, failed, again, last] },
    ],
  ];
  for (const [index, [broken, more]] of falsified.entries()) {
    test(`sees when it was otherwise, ${index + 1}: ${broken}`, () => {
      const summary = summarize({ ...given, ...more });
      const names = summary.promises.filter(({ kept }) => !kept).map(({ what }) => what);
      assert.ok(names.includes(broken), `broken: ${names.join('; ') || 'none'}`);
      assert.equal(exitStatus(summary), 1);
      assert.match(showSummary(summary, 80, plain), /✗ .+promises were broken\.$/s);
    });
  }
});

describe('the quota of the server', () => {
  test('is broken as soon as a window holds one more, and not before', () => {
    const quota = new Quota(2, 1000);
    const verdicts = [0, 999, 1000, 1998, 2000, 1999].map((start) => quota.allows(start));
    assert.deepEqual(verdicts, [true, true, true, false, true, false]);
  });

  test('turns some away exactly where some window holds more, in whatever order they are told', () => {
    const starts = fc.array(fc.integer({ min: 0, max: 60 }), { maxLength: 30 });
    fc.assert(
      fc.property(starts, fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: 20 }), (told, rate, per) => {
        const quota = new Quota(rate, per);
        const areAllowed = told.map((start) => quota.allows(start));
        assert.equal(areAllowed.every(Boolean), mostWithin(told, per) <= rate);
      }),
    );
  });
});
