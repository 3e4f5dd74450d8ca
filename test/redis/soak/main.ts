// npm run soak [-- <seconds>]: four processes share limits in one Redis while others are killed, stopped and cut off at random.
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { Member, mostIn } from '../support/members.js';
import { RedisServer } from '../support/server.js';

const seconds = Number(process.argv[2] ?? 600);
const rate = { rate: 100, per: 1000 };
const slots = { limit: 5 };
const store = { whenDown: 'wait', timeout: 1000, lease: 2000 };

const random = (most: number): number => Math.floor(Math.random() * most);

// It keeps its data when it is killed.
const server = await RedisServer.start('--appendonly', 'yes', '--appendfsync', 'always');
const client = new Redis(server.port);
client.on('error', () => {});

const starters: Member[] = [];
const holders: Member[] = [];
/** Those that were killed, and what they had told. */
const gone: Member[] = [];
/** When each of those was killed that held slots. */
const killedAt = new Map<Member, number>();
const counts: Record<string, number> = {};
const time = (): number => Number(process.hrtime.bigint()) / 1e6;

async function startOne(all: Member[], settings: object): Promise<void> {
  const member = await Member.start(server.port, { ...settings, store, live: true });
  all.push(member);
  if (all === starters) member.order({ kind: 'saturate', depth: 40, aborts: 0.1 });
  else member.order({ kind: 'cycle', depth: 8, duration: 15 });
}

async function replace(all: Member[], settings: object): Promise<void> {
  const [victim] = all.splice(random(all.length), 1);
  if (victim === undefined) return;
  await victim.end();
  killedAt.set(victim, time());
  gone.push(victim);
  await startOne(all, settings);
}

const faults: Record<string, () => Promise<unknown>> = {
  'kill -9 of a starter': () => replace(starters, { rate }),
  'kill -9 of a holder': () => replace(holders, { slots }),
  async 'a stopped starter'() {
    const member = starters[random(starters.length)];
    member?.signal('SIGSTOP');
    await sleep(random(1500));
    member?.signal('SIGCONT');
  },
  async 'a blocked loop'() {
    starters[random(starters.length)]?.order({ kind: 'block', duration: random(400) });
  },
  'CLIENT KILL': () => client.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes'),
  'CLIENT PAUSE': () => client.call('CLIENT', 'PAUSE', String(random(800)), 'ALL'),
  'SCRIPT FLUSH': () => client.script('FLUSH'),
  async 'a Redis that is killed'() {
    await server.kill();
    await sleep(random(500));
    await server.start();
  },
};

for (let n = 0; n < 4; n++) {
  await startOne(starters, { rate });
  await startOne(holders, { slots });
}
const end = performance.now() + seconds * 1000;
while (performance.now() < end) {
  await sleep(500 + random(1500));
  const names = Object.keys(faults);
  // Rarely: all wait for it.
  const name = names[random(names.length)] as string;
  if (name === 'a Redis that is killed' && random(4) > 0) continue;
  counts[name] = (counts[name] ?? 0) + 1;
  await faults[name]?.().catch(() => {});
}

for (const each of [...starters, ...holders]) each.order({ kind: 'rest' });
for (const each of [...starters, ...holders]) await each.count('resting', 1);
const reports = await Promise.all([...starters, ...holders].map((each) => each.report()));

/** The most calls that held a slot at once, those of a process that was killed until then. */
function mostHeld(): number {
  const changes: [number, number][] = [];
  for (const member of [...holders, ...gone]) {
    let running = 0;
    for (const told of member.told) {
      if (told.kind !== 'held' && told.kind !== 'free') continue;
      const change = told.kind === 'held' ? 1 : -1;
      running += change;
      changes.push([told.at, change]);
    }
    const killed = killedAt.get(member);
    if (killed !== undefined) changes.push([killed, -running]);
  }
  let held = 0;
  let most = 0;
  for (const [, change] of changes.sort(([one, by], [other, than]) => one - other || by - than)) {
    held += change;
    most = Math.max(most, held);
  }
  return most;
}

// All slots are there for a new one, once the leases of the dead are over.
await sleep(store.lease);
const last = await Member.start(server.port, { slots, store, live: true });
const from = performance.now();
last.order({ kind: 'hold', count: slots.limit });
await last.count('held', slots.limit);
const allBackIn = Math.round(performance.now() - from);

const starts = [...starters, ...gone].flatMap((member) => member.of('start').map(({ at }) => at));
const result = {
  seconds,
  faults: counts,
  starts: starts.length,
  mostStartsInAWindow: mostIn(starts, rate.per),
  rate: rate.rate,
  calls: holders.concat(gone).reduce((sum, each) => sum + each.of('held').length, 0),
  mostHeldAtOnce: mostHeld(),
  limit: slots.limit,
  millisecondsUntilAllSlotsWereBack: allBackIn,
  unanswered: reports.reduce((sum, each) => sum + each.unanswered, 0),
};
console.log(result);
for (const each of [...starters, ...holders, last]) await each.end();
client.disconnect();
await server.stop();
const isRight =
  result.mostStartsInAWindow <= rate.rate && result.mostHeldAtOnce <= slots.limit && result.unanswered === 0;
process.exitCode = isRight ? 0 : 1;
