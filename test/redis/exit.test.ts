import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { missing, RedisServer } from './support/server.js';

const program = fileURLToPath(new URL('./programs/exit.js', import.meta.url));
const { NODE_TEST_CONTEXT: _, ...env } = process.env;

describe('C9 a program that has nothing left to do', { skip: missing }, () => {
  let server: RedisServer;
  before(async () => {
    server = await RedisServer.start();
  });
  after(() => server?.stop());

  for (const kind of ['ioredis', 'node-redis']) {
    test(`ends, by ${kind}, though it holds leases and is told of slots`, async () => {
      const args = [program, String(server.port), kind, 'up'];
      const { stdout, stderr } = await promisify(execFile)(process.execPath, args, { env, timeout: 30_000 });
      assert.deepEqual([stdout, stderr], ['done\ndone\n', '']);
    });

    test(`ends, by ${kind}, though there is no Redis`, async () => {
      const args = [program, '1', kind, 'down'];
      const { stdout, stderr } = await promisify(execFile)(process.execPath, args, { env, timeout: 30_000 });
      assert.deepEqual([stdout, stderr], ['done\n', '']);
    });
  }
});
