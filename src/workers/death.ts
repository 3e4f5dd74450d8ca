import { show } from '../core/options.js';
import { isError } from '../core/realm.js';
import type { Death } from './delivery.js';
import type { Failure, Job } from './job.js';
import type { EncodedError } from './protocol.js';
import { WorkerExit } from './watched-worker.js';

/** What to say of a job whose worker died, and why it did. */
export function describeDeath({ site, module }: Job, death: Death): Failure {
  const { error, words } = death;
  const own = `${site.label}: its worker`;
  if (words.thrown !== undefined) {
    return { failure: `${own} ${uncaught(death, textOf(words.thrown))}`, error: undefined, thrown: words.thrown };
  }
  if (isExit(error)) return { failure: `${own} ${ended(death)}${when(death)}`, error: causeOfExit(death) };
  if ((error as { code?: unknown } | null)?.code === 'ERR_WORKER_OUT_OF_MEMORY') {
    return { failure: `${own} ran out of memory (see \`resourceLimits\`)${leftOver(death)}`, error };
  }
  const text = isError(error) ? String(error.message) : show(error);
  if (death.isUnborn) return { failure: `${own} could not run ${module}: ${text}`, error };
  return { failure: `${own} ${uncaught(death, text)}`, error };
}

/** Whether a worker ended, or a process could not be reached, without an error of its own. */
const isExit = (error: unknown): boolean =>
  error instanceof WorkerExit ||
  (isError(error) && /exited unexpectedly|^Channel closed$|EPIPE|ECONNRESET/.test(error.message));

const ended = ({ end }: Death): string =>
  end.signal === null ? `exited with code ${end.code}` : `was killed by ${end.signal}`;

const uncaught = (death: Death, text: string): string =>
  `died of an uncaught error${death.entered > 0 ? '' : when(death)}: ${text}${leftOver(death)}`;

function when(death: Death): string {
  const { entered, count, isMovedGone } = death;
  if (entered > 0) return ` before the call had ended${leftOver(death)}`;
  const others = count === 1 ? '' : `, as ${count - 1 === 1 ? 'another' : `${count - 1} others`} did`;
  const moved = isMovedGone ? '; what was moved to it is gone, so no other worker can have the call' : '';
  return ` before the call had begun${others}${moved}`;
}

/** Nobody can tell whose fault it was, where the worker had run another call; unless the call itself was seen at it. */
const leftOver = ({ entered, isFresh, words }: Death): string =>
  entered > 0 && !isFresh && !/\bat (async )?runJob\b/.test(words.exit ?? '')
    ? ' (which may have been left over by an earlier call)'
    : '';

/** Why a worker exited, as far as it is known: who called `process.exit()`, and what stands on stderr. */
function causeOfExit({ end, words }: Death): Error | undefined {
  const { exit: frames } = words;
  const texts = [
    ...(frames === undefined ? [] : [`process.exit(${end.code}) was called`]),
    ...(end.stderr === '' ? [] : [`the last on its stderr was:\n${end.stderr}`]),
  ];
  if (texts.length === 0) return undefined;
  const cause = new Error(texts.join('; '));
  // The frames of this side say nothing.
  cause.stack = [`Error: ${cause.message}`, ...(frames === undefined ? [] : [frames])].join('\n');
  return cause;
}

const textOf = (encoded: EncodedError): string =>
  encoded.kind === 'error' ? encoded.message : encoded.kind === 'value' ? show(encoded.value) : '';
