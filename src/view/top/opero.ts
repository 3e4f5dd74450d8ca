#!/usr/bin/env node
/** The command `opero`. */
import { readArguments, usage } from './arguments.js';
import { NoViewError } from './ask.js';
import { printOnce, showLive } from './top.js';

/** Gives the status that the command ends with: 1 where there is no view, 2 where it was not asked as it can be. */
async function run(): Promise<number> {
  const asked = readArguments(process.argv.slice(2), process.env);
  if ('help' in asked) {
    if (asked.problem === undefined) console.log(usage);
    else console.error(`opero: ${asked.problem}\n\n${usage}`);
    return asked.problem === undefined ? 0 : 2;
  }
  try {
    if (process.stdin.isTTY && process.stdout.isTTY) await showLive(asked, process.stdin, process.stdout);
    else await printOnce(asked, (text) => console.log(text));
    return 0;
  } catch (error) {
    if (!(error instanceof NoViewError)) throw error;
    console.error(`opero: ${error.message}`);
    return 1;
  }
}

process.exitCode = await run();
