/** The CPU-bound part: the text files that lie in `node_modules`, counted, searched and compressed. */
import { createHash } from 'node:crypto';
import { readdirSync, statSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';
import { cpuBound, type Progress, processAll, processStream } from 'opero';
import type { Line } from './lines.js';

/** What is found out about one file. */
interface Study {
  readonly lines: number;
  readonly words: number;
  /** How often it says "license", or "licence". */
  readonly matches: number;
  readonly bytes: number;
  /** The size once compressed with gzip, and with brotli, and what tells the compressed bytes from others. */
  readonly packed: number;
  readonly pressed: number;
  readonly digest: string;
}

const brotli = { params: { [constants.BROTLI_PARAM_QUALITY]: 8 } };

const workers = Math.max(2, availableParallelism());

/** Studies files, each by itself. */
export class Texts {
  /** On the calling thread. */
  async studyHere(path: string): Promise<Study> {
    const text = await readFile(path);
    const content = text.toString();
    const packed = gzipSync(text, { level: 9 });
    const pressed = brotliCompressSync(text, brotli);
    return {
      lines: content.split('\n').length,
      words: content.match(/\w+/g)?.length ?? 0,
      matches: content.match(/\blicen[cs]e\b/gi)?.length ?? 0,
      bytes: text.length,
      packed: packed.length,
      pressed: pressed.length,
      digest: createHash('sha256').update(packed).update(pressed).digest('hex'),
    };
  }

  /** The same, in a worker. */
  @cpuBound(import.meta.url, { maxWorkers: workers })
  async study(path: string): Promise<Study> {
    return this.studyHere(path);
  }
}

const isText = /(\.(md|txt|[cm]?[jt]s|json)|licen[cs]e|readme|notice)$/i;

/** Smaller files are left out: they would be found and read for longer than they are worked on. */
const least = 20_000;

/** How many bytes of text are studied; what is over that is left out, the largest files first. */
const most = 26_000_000;

/** The text files below a folder, the largest first: so none of them is left to one worker in the end. */
export function textFiles(folder: string): string[] {
  let bytes = 0;
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && isText.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name))
    .map((path) => ({ path, size: statSync(path).size }))
    .filter(({ size }) => size >= least)
    .sort((one, other) => one.size - other.size || (one.path < other.path ? -1 : 1))
    .filter(({ size }) => {
      bytes += size;
      return bytes <= most;
    })
    .map(({ path }) => path)
    .reverse();
}

export interface TextsReport extends Omit<Study, 'digest'> {
  readonly files: number;
  readonly workers: number;
  /** Whether all ways gave the very same result. */
  readonly same: boolean;
  readonly inlineMs: number;
  readonly workersMs: number;
  /** How many processors the machine had to spare for the workers, on average. */
  readonly processors: number;
  /** How many times faster the workers were. */
  readonly speedUp: number;
}

/** Runs it, and measures how long that takes and how much of the processors' time all threads of this process get. */
async function timed<Result>(run: () => Promise<Result>): Promise<{ result: Result; ms: number; cpuMs: number }> {
  const cpuBefore = process.cpuUsage();
  const beganAt = performance.now();
  const result = await run();
  const ms = performance.now() - beganAt;
  const { user, system } = process.cpuUsage(cpuBefore);
  return { result, ms: Math.round(ms), cpuMs: Math.round((user + system) / 1000) };
}

/** Told what runs next, gives the options that show how far it is. */
export type Show = (run: string) => {
  readonly progress?: boolean;
  readonly onProgress?: (progress: Progress) => void;
};

/** Studies the files on this thread, on workers all at once, and on workers as a stream. */
export async function studyTexts(files: readonly string[], show: Show): Promise<TextsReport> {
  const texts = new Texts();
  // Starts the workers and lets every thread compile the code, which is not part of the work.
  const sample = files.filter((_, index) => index % 20 === 7);
  await processAll(texts, 'studyHere', sample);
  await processAll(texts, 'study', sample);
  const inline = await timed(() => processAll(texts, 'studyHere', files, show('on one thread')));
  const onWorkers = await timed(() => processAll(texts, 'study', files, show(`on ${workers} worker threads`)));
  let same = JSON.stringify(inline.result) === JSON.stringify(onWorkers.result);
  const some = new Map(
    files.map((file, index) => [file, inline.result[index]] as const).filter((_, index) => index % 16 === 0),
  );
  const expected = some.values();
  for await (const study of processStream(texts, 'study', some.keys())) {
    same &&= JSON.stringify(study) === JSON.stringify(expected.next().value);
  }
  const total = (name: 'lines' | 'words' | 'matches' | 'bytes' | 'packed' | 'pressed'): number =>
    onWorkers.result.reduce((sum, study) => sum + study[name], 0);
  return {
    files: files.length,
    workers,
    lines: total('lines'),
    words: total('words'),
    matches: total('matches'),
    bytes: total('bytes'),
    packed: total('packed'),
    pressed: total('pressed'),
    same,
    inlineMs: inline.ms,
    workersMs: onWorkers.ms,
    processors: Math.round((onWorkers.cpuMs / onWorkers.ms) * 10) / 10,
    speedUp: Math.round((inline.ms / onWorkers.ms) * 100) / 100,
  };
}

/** The promise of this part, beside what was seen. */
export const textsLine = ({ files, same }: TextsReport): Line => ({
  what: 'files with the same result on workers as inline',
  promised: `all ${files}`,
  seen: same ? `all ${files}` : 'not all',
  note: '',
  kept: same,
});

/** What shall be done, for people. */
export const textsTask = (files: readonly string[]): string =>
  `${files.length} text files of node_modules, 20 kB and more: count words, search, compress`;

/** What was found, for people. */
export function showTexts(report: TextsReport): string {
  const { bytes, packed, pressed, words, matches, inlineMs, workersMs, speedUp, processors, workers: count } = report;
  const mega = (size: number): string => `${(size / 1e6).toFixed(1)} MB`;
  const lines = [
    `They hold ${words} words, ${matches} times "license".`,
    `They are ${mega(bytes)}; with gzip ${mega(packed)}, with brotli ${mega(pressed)}.`,
    `One thread took ${inlineMs} ms, ${count} workers that were up ${workersMs} ms: ${speedUp.toFixed(2)} times as fast.`,
  ];
  if (processors < count * 0.9) {
    lines.push(`The machine was busy: ${count} threads got the time of ${processors.toFixed(1)} processors.`);
  }
  return lines.join('\n');
}
