import { setTimeout as sleep } from 'node:timers/promises';
import type { ReadStream, WriteStream } from 'node:tty';
import { type Address, NoViewError, pictures, snapshot } from './ask.js';
import { headOf, Screen } from './screen.js';
import { sharedLinesOf } from './shared-tables.js';
import { inOrder, plain, tableOf } from './table.js';

const againAfter = 1000;
const widthOfPlain = 160;

/** Prints how the program is now. */
export async function printOnce(address: Address, print: (text: string) => void): Promise<void> {
  const { methods, ...rest } = await snapshot(address);
  const picture = { ...rest, methods: new Map(methods.map((method) => [method.id, method])) };
  const head = headOf(picture, plain, widthOfPlain);
  const shared = sharedLinesOf(rest.shared, rest.at, widthOfPlain, Number.POSITIVE_INFINITY, plain);
  const lines = tableOf(inOrder(methods, undefined), rest.at, widthOfPlain, plain);
  print([...head, '', ...shared, ...lines].join('\n'));
}

/** Shows it on a terminal until somebody ends that. Throws a NoViewError where there was none from the beginning. */
export async function showLive(address: Address, input: ReadStream, output: WriteStream): Promise<void> {
  const quit = new AbortController();
  const onSignal = (): void => quit.abort();
  const screen = new Screen(input, output, onSignal);
  // Whatever is wrong from the beginning, as with the token, is said before the screen is taken.
  await snapshot(address);
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, onSignal);
  screen.begin();
  try {
    await follow(address, screen, quit.signal);
  } finally {
    screen.end();
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.off(signal, onSignal);
  }
}

/** Shows each picture; where the program is gone, asks again and again. */
async function follow(address: Address, screen: Screen, signal: AbortSignal): Promise<void> {
  let goneAt: number | undefined;
  while (!signal.aborted) {
    try {
      for await (const picture of pictures(address, signal)) {
        goneAt = undefined;
        screen.show(picture);
      }
    } catch (error) {
      if (!(error instanceof NoViewError) && !signal.aborted) throw error;
    }
    if (signal.aborted) return;
    goneAt ??= Date.now();
    const seconds = Math.round((Date.now() - goneAt) / 1000);
    screen.tell(`The program has gone, or cannot be reached, for ${seconds} s. Asking again ... (q ends this)`);
    await sleep(againAfter, undefined, { signal }).catch(() => {});
  }
}
