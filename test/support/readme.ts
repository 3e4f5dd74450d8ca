import { readFileSync } from 'node:fs';

/** A fenced block of README.md. */
export interface Block {
  readonly language: string;
  readonly code: string;
  /** The line of its first line of code. */
  readonly line: number;
  /** The title of the chapter that it stands in. */
  readonly chapter: string;
}

const readme = readFileSync(new URL('../../../README.md', import.meta.url), 'utf8');

function blocksOf(markdown: string): Block[] {
  const blocks: Block[] = [];
  for (const { 1: language = '', 2: code = '', index } of markdown.matchAll(/^```(\w*)\n([\s\S]*?)^```$/gm)) {
    const before = markdown.slice(0, index);
    const chapter = [...before.matchAll(/^##+ (.*)$/gm)].at(-1)?.[1] ?? '';
    blocks.push({ language, code, line: before.split('\n').length + 1, chapter });
  }
  return blocks;
}

export const blocks: readonly Block[] = blocksOf(readme);

/** The first block of a language in a chapter. */
export function blockIn(chapter: string, language: string): string {
  const found = blocks.find((block) => block.chapter === chapter && block.language === language);
  if (found === undefined) throw new Error(`README.md has no block of ${language} in "${chapter}"`);
  return found.code;
}
