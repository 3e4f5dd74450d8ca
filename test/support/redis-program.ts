import { spawnSync } from 'node:child_process';

/** The server that the tests start; `REDIS_SERVER` names another one that speaks as Redis does, as `valkey-server`. */
export const redisProgram = process.env.REDIS_SERVER || 'redis-server';

/** Why there are no tests on a Redis here; undefined: there is one. In CI that is an error. */
export const whyNoRedis: string | undefined = whyMissing();

function whyMissing(): string | undefined {
  if (spawnSync(redisProgram, ['--version']).status === 0) return undefined;
  const why = `NOT RUN: there is no ${redisProgram} on this machine (Debian: apt-get install redis-server)`;
  if (process.env.CI) throw new Error(why);
  return why;
}
