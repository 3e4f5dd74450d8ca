import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Member, mostIn, type Order, type Report, type Settings } from './support/members.js';
import { missing, RedisServer } from './support/server.js';

/** A busy machine is no store that is down. */
const patient = { timeout: 10_000 };

describe('four processes on one Redis', { skip: missing }, () => {
  let server: RedisServer;
  let members: Member[] = [];
  before(async () => {
    server = await RedisServer.start();
  });
  afterEach(async () => {
    for (const each of members) await each.end();
    members = [];
  });
  after(() => server?.stop());

  const start = async (settings: Settings, count = 4): Promise<Member[]> => {
    const prefix = `m${Math.random()}`;
    const made = await Promise.all(
      Array.from({ length: count }, () =>
        Member.start(server.port, { ...settings, store: { ...patient, prefix, ...settings.store } }),
      ),
    );
    members.push(...made);
    return made;
  };
  const tell = (order: Order): void => {
    for (const each of members) each.order(order);
  };
  const reports = (): Promise<Report[]> => Promise.all(members.map((each) => each.report()));
  const startsOf = (all: readonly Report[]): number[] => all.flatMap(({ starts }) => starts);

  test('R1 R2 R3 saturated: no window over the rate, few trips, all get their share', async () => {
    await start({ rate: { rate: 50, per: 500 } });
    tell({ kind: 'saturate', depth: 40 });
    await sleep(3000);
    const all = await reports();
    const starts = startsOf(all);
    assert.ok(mostIn(starts, 500) <= 50, `${mostIn(starts, 500)} in a window`);
    assert.ok(starts.length > 100);
    const trips = all.reduce((sum, each) => sum + each.trips, 0);
    assert.ok(trips / starts.length <= 1, `${trips / starts.length} trips a start`);
    for (const each of all) assert.ok(each.starts.length > 0);
  });

  test('R1 R8 with aborts, and with a process that is killed', async () => {
    await start({ rate: { rate: 50, per: 500 }, live: true });
    tell({ kind: 'saturate', depth: 40, aborts: 0.3 });
    await sleep(1000);
    const victim = members.pop() as Member;
    await victim.end();
    await sleep(1500);
    const starts = [...startsOf(await reports()), ...victim.of('start').map(({ at }) => at)];
    assert.ok(mostIn(starts, 500) <= 50, `${mostIn(starts, 500)} in a window`);
    assert.ok(starts.length > 100);
  });

  test('R1 R5 with loops that are blocked, and a process that is stopped for a while', async () => {
    await start({ rate: { rate: 50, per: 500 } });
    tell({ kind: 'saturate', depth: 40 });
    for (let nth = 0; nth < 12; nth++) {
      members[nth % 4]?.order({ kind: 'block', duration: 20 * (nth % 7) });
      if (nth === 4) members[0]?.signal('SIGSTOP');
      if (nth === 7) members[0]?.signal('SIGCONT');
      await sleep(200);
    }
    const starts = startsOf(await reports());
    assert.ok(mostIn(starts, 500) <= 50, `${mostIn(starts, 500)} in a window`);
    assert.ok(starts.length > 100);
  });

  test('R1 of a rate that is changed while calls wait', async () => {
    await start({ rate: { rate: 60, per: 500 } });
    tell({ kind: 'saturate', depth: 40 });
    await sleep(1200);
    tell({ kind: 'configure', rate: 20 });
    await sleep(300);
    const changed = Number(process.hrtime.bigint()) / 1e6;
    await sleep(1500);
    const starts = startsOf(await reports());
    assert.ok(mostIn(starts, 500) <= 60);
    // What was given before is used within a horizon and a grace.
    const later = starts.filter((each) => each > changed + 500);
    assert.ok(mostIn(later, 500) <= 20, `${mostIn(later, 500)} in a window`);
    assert.ok(later.length > 20);
  });

  test('R1 of one name with another `per` the longest window holds for all, and an event tells', async () => {
    const prefix = 'deploy';
    const old = await start({ rate: { rate: 20, per: 400 }, store: { prefix } }, 2);
    await start({ rate: { rate: 20, per: 800 }, store: { prefix } }, 2);
    members[2]?.order({ kind: 'start', count: 1 });
    await members[2]?.count('done', 1);
    tell({ kind: 'saturate', depth: 20 });
    await sleep(2500);
    const starts = startsOf(await reports());
    assert.ok(mostIn(starts, 800) <= 21, `${mostIn(starts, 800)} in a window`);
    assert.ok(old.some((each) => each.of('event').some(({ type }) => type === 'window')));
  });

  test('C1 C8 slots: at most the limit at once, few trips', async () => {
    await start({ slots: { limit: 5 } });
    tell({ kind: 'hold', count: 60, duration: 5 });
    for (const each of members) await each.count('done', 60);
    const all = await reports();
    const changes = all.flatMap(({ holds }) => holds.flatMap(([from, to]) => [[from, 1] as const, [to, -1] as const]));
    let running = 0;
    let most = 0;
    for (const [, change] of changes.sort(([one, by], [other, than]) => one - other || by - than)) {
      running += change;
      most = Math.max(most, running);
    }
    assert.ok(most <= 5, `${most} at once`);
    const trips = all.reduce((sum, each) => sum + each.trips, 0);
    assert.ok(trips / 240 <= 2, `${trips / 240} trips a slot`);
  });

  test('C3 a holder that is killed loses its slots within the lease, and the rest goes on at once', async () => {
    const [holder, other] = await start({ slots: { limit: 2 }, store: { lease: 600 }, live: true }, 2);
    holder?.order({ kind: 'hold', count: 1 });
    await holder?.count('held', 1);
    other?.order({ kind: 'hold', count: 1, duration: 1 });
    await other?.count('done', 1);
    holder?.order({ kind: 'hold', count: 1 });
    await holder?.count('held', 2);
    other?.order({ kind: 'hold', count: 2 });
    await holder?.end();
    await other?.count('held', 3);
  });

  test('C3 a waiter that is killed keeps nobody from a slot', async () => {
    const [holder, victim, other] = await start({ slots: { limit: 1 }, store: { lease: 600 }, live: true }, 3);
    holder?.order({ kind: 'hold', count: 1, duration: 400 });
    await holder?.count('held', 1);
    victim?.order({ kind: 'hold', count: 5 });
    await sleep(100);
    await victim?.end();
    other?.order({ kind: 'hold', count: 1 });
    await other?.count('held', 1);
  });

  test('C3 C4 a waiter that is stopped keeps nobody from a slot, and has its own once it goes on', async () => {
    const [holder, victim, other] = await start({ slots: { limit: 1 }, store: { lease: 600 }, live: true }, 3);
    holder?.order({ kind: 'hold', count: 1, duration: 400 });
    await holder?.count('held', 1);
    victim?.order({ kind: 'hold', count: 1, duration: 1 });
    await sleep(100);
    victim?.signal('SIGSTOP');
    other?.order({ kind: 'hold', count: 1, duration: 1 });
    await other?.count('done', 1);
    assert.equal(victim?.of('held').length, 0);
    victim?.signal('SIGCONT');
    await victim?.count('done', 1);
  });

  test('C6 C7 a holder that was stopped for longer than its lease is told, and its slot has a higher fence', async () => {
    const [holder, other] = await start({ slots: { limit: 1 }, store: { lease: 600 }, live: true }, 2);
    holder?.order({ kind: 'hold', count: 1 });
    await holder?.count('held', 1);
    holder?.signal('SIGSTOP');
    other?.order({ kind: 'hold', count: 1, duration: 1 });
    await other?.count('held', 1);
    holder?.signal('SIGCONT');
    await holder?.count('failed', 1);
    assert.equal(holder?.of('failed')[0]?.name, 'LeaseLostError');
    const [before] = holder?.of('held') ?? [];
    const [later] = other?.of('held') ?? [];
    assert.ok(Number(later?.fence) > Number(before?.fence));
  });
});
