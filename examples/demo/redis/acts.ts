/** Plays the acts of the demo, one after the other. */
import { setTimeout as sleep } from 'node:timers/promises';
import { watchTimers } from '../late.js';
import type { Member } from './members.js';
import type { OwnRedis } from './own-redis.js';
import { time } from './record.js';
import type { Reports } from './reports.js';
import type { Limits, QuotaServer } from './server.js';
import type { Killed, Span, Story } from './story.js';

export interface Stage {
  readonly server: QuotaServer;
  readonly redis: OwnRedis;
  readonly members: readonly Member[];
  readonly reports: Reports;
  readonly limits: Limits;
  readonly say: (title: string) => void;
}

/** How long all want more than there is, in milliseconds. */
const rushes = 3000;
/** How long what shall come may take, in milliseconds: then it has not come. */
const patience = 15_000;
/** How long Redis is away, in milliseconds. */
const away = 1000;
/** How many reports are asked for. */
const asked = 12;
/** How many more just before Redis is killed. */
const askedThen = 9;

/** Waits, but not for ever. */
const inTime = (work: Promise<unknown>): Promise<unknown> =>
  Promise.race([work, sleep(patience, undefined, { ref: false })]);

/** Plays all of them, and gives what came of it. */
export async function play(
  stage: Stage,
): Promise<Pick<Story, 'rush' | 'killed' | 'outage' | 'reports' | 'asked' | 'askedThen' | 'came'>> {
  const { server, members, say } = stage;
  for (const each of members) each.order('call');
  say('a rush: all want more starts than there are');
  const rush = await rushFor(stage);

  server.takes = 250;
  say('the server is slow: all want more connections than there are');
  await server.until(() => server.open('api').length === stage.limits.limit, patience);
  say(`one process is killed, in the midst of its calls and of ${asked} jobs`);
  const came: number[] = [];
  const write = (...months: readonly number[]): Promise<unknown> =>
    Promise.allSettled(
      months.map(async (month) => {
        const text = await stage.reports.write(month);
        if (text.startsWith(`report of month ${month}:`)) came.push(month);
      }),
    );
  const first = write(...Array.from({ length: asked }, (_, month) => month));
  const killed = await killOne(stage);
  server.takes = 40;
  say('its slots are back; its jobs run again elsewhere');
  await inTime(first);

  say(`Redis is killed with jobs in it, and started again after ${away / 1000} s: calls wait, as \`whenDown\` says`);
  const survivors = members.filter(({ number }) => number !== killed.process);
  const second = write(...Array.from({ length: askedThen }, (_, month) => asked + month));
  await server.until(() => server.requests.some(({ of, call }) => of === 'archive' && call >= asked), patience);
  const outage = await restart(stage, survivors);
  await inTime(second);
  say('all come to rest');
  const reports = await Promise.all(survivors.map((each) => each.rest()));
  return { rush, killed, outage, reports, asked, askedThen, came: [...came] };
}

async function rushFor({ server }: Stage): Promise<Span> {
  await server.until(() => server.requests.length > 0, patience);
  // What was not used before may all be used at once in the beginning.
  await sleep(1000);
  const from = time();
  await sleep(rushes);
  return { from, to: time() };
}

/** Kills a process that has slots and jobs, and lets the others have all slots. */
async function killOne({ server, members, limits: { limit } }: Stage): Promise<Killed> {
  const hasBoth = ({ number }: Member): boolean =>
    server.open('api').some((each) => each.process === number) &&
    server.open('archive').some((each) => each.process === number);
  await server.until(() => members.some(hasBoth), patience);
  const victim = members.find(hasBoth) ?? (members[0] as Member);
  const has = (of: 'api' | 'archive') => server.open(of).filter((each) => each.process === victim.number);
  const others = members.filter((each) => each !== victim);
  for (const each of others) each.order('watch');
  const late = watchTimers();
  // Nobody ends meanwhile, so that those who come are there together with those who are there.
  server.keepBack();
  const killed = { process: victim.number, slots: has('api').length, months: has('archive').map(({ call }) => call) };
  const at = time();
  await victim.kill();
  const backAt = await server.until(() => server.open('api').length - has('api').length >= limit, patience);
  server.goOn();
  const slow = await Promise.all(others.map((each) => each.slowness()));
  const slowness = { trip: Math.max(...slow.map(({ trip }) => trip)), late: Math.max(...slow.map(({ late }) => late)) };
  return { ...killed, at, backAt, slowness, late: late() };
}

/** Kills Redis and starts it again, and waits until all processes go on, with permits that they got from it since. */
async function restart({ server, redis, limits: { per } }: Stage, survivors: readonly Member[]): Promise<Span> {
  const from = time();
  await redis.kill();
  await sleep(away);
  await redis.start();
  const to = time();
  const goesOn = ({ number }: Member): boolean =>
    server.requests.some(({ of, process, started }) => of === 'api' && process === number && started > to + per);
  await server.until(() => survivors.every(goesOn), patience);
  return { from, to };
}
