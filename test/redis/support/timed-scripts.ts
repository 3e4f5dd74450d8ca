import type { Redis } from 'ioredis';
import type { Connection } from '../../../src/redis/connection.js';

/** Has scripts read a time that the test sets, in milliseconds, in place of that of the server. */
export function timed(client: Redis): { time: number; readonly connection: Connection } {
  const clock = {
    time: 0,
    connection: {
      async send(_: string, [command, script, ...rest]: readonly string[]): Promise<unknown> {
        // The text of the script is needed, and not what the server knows it by.
        if (command === 'EVALSHA') throw new Error('NOSCRIPT');
        const micros = Math.round(clock.time * 1000);
        const time = `{ '${Math.floor(micros / 1_000_000)}', '${micros % 1_000_000}' }`;
        // The clock by which keys end is that of the server: it must not matter how long a test takes.
        const text = (script as string)
          .replace("redis.call('TIME')", time)
          .replace(/('PEXPIRE', [^)]+)\)/, '$1 + 600000)');
        return await client.call('EVAL', text, ...rest);
      },
      ready: () => undefined,
      subscribe: undefined,
    } satisfies Connection,
  };
  return clock;
}
