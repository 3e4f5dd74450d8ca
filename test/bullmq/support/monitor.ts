import { createClient } from 'redis';

/** Each word of a command, as Redis shows it. */
const word = /"((?:\\.|[^"\\])*)"/g;

/**
 * Tells of each command that a Redis is given from now on, until what it gives is called. The monitor of ioredis fails where
 * the first command comes together with the answer to its own.
 */
export async function monitor(port: number, told: (words: string[]) => void): Promise<() => void> {
  const client = createClient({ socket: { host: '127.0.0.1', port } });
  client.on('error', () => {});
  await client.connect();
  await client.monitor((line) => told([...String(line).matchAll(word)].map(([, text = '']) => text)));
  return () => client.destroy();
}
