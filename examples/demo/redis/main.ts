/**
 * A Redis, four processes and a server whose quota is to be kept exactly: one process is killed, Redis is killed and started
 * again, and jobs run meanwhile. In the end what was promised stands beside what the server saw.
 *
 * npm run demo -- --redis [--json]
 */
import { policiesOf } from 'opero';
import { optionOf } from '../lines.js';
import { tellNow } from '../live.js';
import { readOptions } from '../options.js';
import { paintFor } from '../paint.js';
import { exitStatus } from '../summary.js';
import { showSummary, wrap } from '../table.js';
import { play } from './acts.js';
import { Crm, lease } from './crm.js';
import { Member } from './members.js';
import { OwnRedis, whatIsMissing } from './own-redis.js';
import { Reports, redis as redisOfReports } from './reports.js';
import { QuotaServer } from './server.js';
import { showStory, summarize } from './summary.js';

const { json } = readOptions();
const beganAt = performance.now();
const missing = whatIsMissing();
if (missing !== undefined) {
  console.error(missing);
  process.exit(2);
}
for (const [signal, status] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
  ['SIGHUP', 129],
] as const)
  process.once(signal, () => process.exit(status));

const { stderr, stdout } = process;
const paint = paintFor(stderr);
const seconds = (): string => `${((performance.now() - beganAt) / 1000).toFixed(1)} s`;
const say = (line: string): unknown => json || stderr.write(`${line}\n`);
const title = (text: string): unknown => say(paint('bold', `${seconds()}: ${text}`));

/** As many processes as the limits are shared by. */
const processes = 4;
const policies = { policies: policiesOf(Crm, 'customer') };
const limits = {
  rate: optionOf(policies, 'rateLimit', 'rate'),
  per: optionOf(policies, 'rateLimit', 'per'),
  limit: optionOf(policies, 'concurrency', 'limit'),
};

let now = (): string => 'they start';
const teller = tellNow(() => now(), say);
title(`a Redis, a server with a quota, and ${processes} processes start`);
const redis = await OwnRedis.start();
const server = new QuotaServer(limits);
const port = await server.start();
redisOfReports.url = redis.url;
const env = { REDIS_URL: redis.url, SERVER_PORT: String(port) };
const members = await Promise.all(Array.from({ length: processes }, (_, at) => Member.start(at + 1, env)));

now = () => `${server.requests.length} requests; ${server.open('api').length} of ${limits.limit} at once now`;
const played = await play({ server, redis, members, reports: new Reports(), limits, say: title });
teller.stop();
const story = {
  ...played,
  limits,
  lease,
  processes,
  requests: server.requests,
  mostAtOnce: server.mostAtOnce,
};
server.stop();
const summary = summarize(story);
if (json)
  console.log(JSON.stringify({ seconds: Math.round(performance.now() - beganAt) / 1000, ...summary }, undefined, 2));
else {
  const columns = (stdout.isTTY && stdout.columns) || 80;
  console.log(`\n${wrap(showStory(summary, story), 79)}\n`);
  console.log(`${showSummary(summary, columns, paintFor(stdout))} The run took ${seconds()}.`);
}
process.exit(exitStatus(summary));
