/** The CPU-bound part: the text files that lie in `node_modules`, searched, counted and compressed. */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { brotliCompressSync, constants } from 'node:zlib';
import { cpuBound, processAll, processStream } from 'opero';
import type { Line } from './promises.js';

/** What is found out about one file. */
export interface Study {
  readonly lines: number;
  readonly words: number;
  /** How often the licence words occur. */
  readonly matches: number;
  readonly bytes: number;
  /** The size once compressed, and what tells the compressed bytes from others. */
  readonly packed: number;
  readonly digest: string;
}

const workers = Math.max(2, availableParallelism());

/** Studies files, each by itself. */
export class Texts {
  /** On the calling thread. */
  async studyHere(path: string): Promise<Study> {
    const text = readFileSync(path);
    const content = text.toString();
    const packed = brotliCompressSync(text, { params: { [constants.BROTLI_PARAM_QUALITY]: 9 } });
    return {
      lines: content.split('\n').length,
      words: content.match(/\w+/g)?.length ?? 0,
      matches: content.match(/\b(licen[cs]e|warranty|copyright)\b/gi)?.length ?? 0,
      bytes: text.length,
      packed: packed.length,
      digest: createHash('sha256').update(packed).digest('hex'),
    };
  }

  /** The same, in a worker. */
  @cpuBound(import.meta.url, { maxWorkers: workers })
  async study(path: string): Promise<Study> {
    return this.studyHere(path);
  }
}

const isText = /(\.(md|txt|[cm]?[jt]s|json)|licen[cs]e|readme|notice)$/i;

/** How many bytes of text are studied; what is over that is left out, the largest files first. */
const most = 15_000_000;

/** The text files below a folder, the largest first: so none of them is left to one worker in the end. */
export function textFiles(folder: string): string[] {
  let bytes = 0;
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && isText.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name))
    .map((path) => ({ path, size: statSync(path).size }))
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
  /** How many times faster the workers were. */
  readonly speedUp: number;
}

async function timed<Result>(run: () => Promise<Result>): Promise<{ result: Result; ms: number }> {
  const beganAt = performance.now();
  const result = await run();
  return { result, ms: Math.round(performance.now() - beganAt) };
}

/** Studies the files inline, on workers all at once, and on workers as a stream; a bar shows how far it is. */
export async function studyTexts(files: readonly string[], progress: boolean): Promise<TextsReport> {
  const texts = new Texts();
  // Starts the workers, which is not part of the work.
  await Promise.all(files.slice(0, workers).map((file) => texts.study(file)));
  const inline = await timed(() => processAll(texts, 'studyHere', files, { progress }));
  const onWorkers = await timed(() => processAll(texts, 'study', files, { progress }));
  let same = JSON.stringify(inline.result) === JSON.stringify(onWorkers.result);
  let index = 0;
  for await (const study of processStream(texts, 'study', files.slice(0, 100))) {
    same &&= JSON.stringify(study) === JSON.stringify(inline.result[index++]);
  }
  const total = (name: 'lines' | 'words' | 'matches' | 'bytes' | 'packed'): number =>
    onWorkers.result.reduce((sum, study) => sum + study[name], 0);
  return {
    files: files.length,
    workers,
    lines: total('lines'),
    words: total('words'),
    matches: total('matches'),
    bytes: total('bytes'),
    packed: total('packed'),
    same,
    inlineMs: inline.ms,
    workersMs: onWorkers.ms,
    speedUp: Math.round((inline.ms / onWorkers.ms) * 100) / 100,
  };
}

/** The promise of this part, beside what was seen. */
export const textsLine = ({ same }: TextsReport): Line => ({
  what: 'text files, inline and on workers',
  promised: 'same result',
  seen: same ? 'same result' : 'another result',
  note: '',
  kept: same,
});

/** What was found, for people. */
export function showTexts({
  files,
  bytes,
  packed,
  words,
  matches,
  inlineMs,
  workersMs,
  speedUp,
  workers: count,
}: TextsReport): string {
  const mega = (size: number): string => (size / 1e6).toFixed(1);
  return [
    `${files} text files of node_modules, ${mega(bytes)} MB, packed to ${mega(packed)} MB: ${words} words, ${matches} of them about licences.`,
    `Inline ${inlineMs} ms, on ${count} workers ${workersMs} ms: ${speedUp.toFixed(2)} times as fast.`,
  ].join('\n');
}
