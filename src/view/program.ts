import { basename, dirname } from 'node:path';
import type { Program } from './protocol.js';

/** This program, as it is called on the page: by its file and the folder that it is in. */
export function thisProgram(): Program {
  const file = process.argv[1];
  const name = file === undefined ? 'node' : `${basename(dirname(file))}/${basename(file)}`;
  const startedAt = Math.round(Date.now() - process.uptime() * 1000);
  return { name, pid: process.pid, node: process.version, startedAt };
}
