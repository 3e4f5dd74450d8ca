import { AsyncLocalStorage } from 'node:async_hooks';
import { isAbsolute } from 'node:path';
import { pathToFileURL } from 'node:url';
import { WorkerError } from '../core/errors.js';
import { realUrl } from './program.js';
import type { Exports, Target } from './protocol.js';

/** Holds in all that the import of the program's own entry starts, and in what that leaves for later; never in a job. */
const ofProgram = new AsyncLocalStorage<true>();
/** The program's own entry, while a module is imported that may import it in turn. */
let suspect: string | undefined;
/** What the first call was refused with. */
let refused: WorkerError | undefined;
/** Fails the task that is being worked on, if it must fail then. */
let onRefusal: ((error: WorkerError) => void) | undefined;
/**
 * Settles when a task has failed for it. The program is told of its refused call only a turn later, when the task is
 * answered: a program that hears of a failure may exit.
 */
let tell!: () => void;
const told = new Promise<void>((resolve) => {
  tell = resolve;
});

/** Not one that a program has faked. */
const nextTurn = setImmediate;

/** Whether a module is the file that the program was started with. */
export const isProgram = ({ module, program }: Target): boolean => program !== undefined && realUrl(module) === program;

/** Imports the module of a target. Rejects once the program calls opero on the way: the import may never end then. */
export async function importModule(target: Target): Promise<Exports> {
  const load = async (): Promise<Exports> => import(target.module);
  if (isProgram(target)) return unlessRefused(() => ofProgram.run(true, load));
  suspect = target.program;
  try {
    return await untilRefused(load);
  } finally {
    suspect = undefined;
  }
}

/** Works on something of the program. Rejects once the program has called opero, now or before. */
export function unlessRefused<Result>(work: () => Promise<Result>): Promise<Result> {
  if (refused === undefined) return untilRefused(work);
  tell();
  return Promise.reject(refused);
}

async function untilRefused<Result>(work: () => Promise<Result>): Promise<Result> {
  const refusal = new Promise<never>((_resolve, reject) => {
    onRefusal = reject;
  });
  try {
    return await Promise.race([work(), refusal]);
  } finally {
    onRefusal = undefined;
  }
}

export const isRefusal = (error: unknown): error is WorkerError => error !== undefined && error === refused;

/** The rejection for a call that the program makes because it is being imported here; undefined for any other call. */
export function refuseProgram(): Promise<never> | undefined {
  if (ofProgram.getStore() === undefined && (suspect === undefined || !isRunning(suspect))) return undefined;
  if (refused === undefined) process.on('unhandledRejection', passOn);
  refused ??= new WorkerError('the worker is importing your program; guard it, or give @cpuBound a module of its own');
  const error = refused;
  if (onRefusal !== undefined) {
    onRefusal(error);
    tell();
  }
  return told.then(() => new Promise((_resolve, reject) => nextTurn(reject, error)));
}

/** Nobody may wait for a refused call, which is told of already. */
function passOn(reason: unknown): void {
  if (!isRefusal(reason)) throw reason;
}

/** Whether code of a file runs just now. */
function isRunning(url: string): boolean {
  const { prepareStackTrace, stackTraceLimit } = Error;
  const files: string[] = [];
  Error.stackTraceLimit = Number.POSITIVE_INFINITY;
  // Files as they run, not as they were written before they were compiled.
  Error.prepareStackTrace = (_error, frames) => {
    for (const frame of frames) files.push(frame.getFileName() ?? '');
  };
  void new Error().stack;
  Object.assign(Error, { prepareStackTrace, stackTraceLimit });
  return files.some((file) => file === url || (isAbsolute(file) && pathToFileURL(file).href === url));
}
