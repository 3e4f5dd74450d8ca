import { strict as assert } from 'node:assert';
import { describe, test } from 'node:test';
import { plotOf } from './adaptive/plot.js';
import { shareOfBest, tableOf } from './adaptive/report.js';
import { kneeOf, Server, throughputOf } from './adaptive/server.js';
import { type Phase, simulate } from './adaptive/simulate.js';

const nature = { demand: 20, contention: 0.02, coherency: 0.0006 };
const phases: Phase[] = [
  { name: 'quiet', seconds: 1, load: 200, nature },
  { name: 'too much', seconds: 9, load: 1200, nature },
];

describe('the simulation of an adaptive limit', () => {
  test('7.6 reaches 96 % of what the server could end at the most, where too many calls come', async () => {
    const seen = await simulate({ targetLatency: 60 }, 1, phases);
    const share = shareOfBest(phases, { name: 'adaptive', seen });
    assert.ok(share > 0.96 && share < 1.05, String(share));
  });

  test('a seed gives the same figures again, and another one others', async () => {
    const short = phases.map((phase) => ({ ...phase, seconds: 1 }));
    const run = async (seed: number): Promise<string> => {
      const all = [{ name: 'adaptive', seen: await simulate({ targetLatency: 60 }, seed, short) }];
      return tableOf(short, all) + plotOf(short, all);
    };
    const first = await run(1);
    assert.equal(await run(1), first);
    assert.notEqual(await run(2), first);
  });

  test('its server ends the most at its knee, and each call the later the more there are', () => {
    const knee = kneeOf(nature);
    assert.equal(knee, 40);
    assert.ok(throughputOf(nature, knee) > throughputOf(nature, knee - 1));
    assert.ok(throughputOf(nature, knee) > throughputOf(nature, knee + 1));
    const server = new Server({ demand: 1, contention: 1, coherency: 0 });
    const ended: string[] = [];
    server.begin(10, () => ended.push('first'));
    assert.equal(server.nextEnd, 10);
    server.moveTo(4);
    server.begin(3, () => ended.push('second'));
    assert.equal(server.nextEnd, 10);
    server.moveTo(10);
    server.endFirst();
    assert.equal(server.nextEnd, 13);
    server.moveTo(13);
    server.endFirst();
    assert.deepEqual(ended, ['second', 'first']);
    assert.equal(server.nextEnd, Number.POSITIVE_INFINITY);
  });
});
