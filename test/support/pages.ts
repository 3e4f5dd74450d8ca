import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** The folder of the repository. */
export const root = fileURLToPath(new URL('../../../', import.meta.url));

/** A page of the documentation: the front page or one of the handbook. */
export interface Page {
  /** Its path in the repository, with slashes. */
  readonly path: string;
  readonly text: string;
}

/** A fenced block of a page. */
interface Block {
  readonly page: string;
  readonly language: string;
  readonly code: string;
  /** The line of its first line of code. */
  readonly line: number;
  /** The title of the chapter that it stands in. */
  readonly chapter: string;
}

/** Folders of what is installed, built or left over. */
const passedOver = /^(node_modules|dist|build|out|coverage|\..*)$/;

function* readmesIn(folder: string): Generator<string> {
  for (const entry of readdirSync(`${root}${folder}`, { withFileTypes: true })) {
    if (entry.isDirectory() && !passedOver.test(entry.name)) yield* readmesIn(`${folder}${entry.name}/`);
    else if (entry.name === 'README.md') yield `${folder}${entry.name}`;
  }
}

/** Every README.md of the repository. */
export const pages: readonly Page[] = [...readmesIn('')]
  .sort()
  .map((path) => ({ path, text: readFileSync(`${root}${path}`, 'utf8') }));

const fence = /^```(\w*)\n([\s\S]*?)^```$/gm;

function blocksOf({ path: page, text }: Page): Block[] {
  const blocks: Block[] = [];
  for (const { 1: language = '', 2: code = '', index } of text.matchAll(fence)) {
    const before = text.slice(0, index);
    const chapter = [...before.matchAll(/^##+ (.*)$/gm)].at(-1)?.[1] ?? '';
    blocks.push({ page, language, code, line: before.split('\n').length + 1, chapter });
  }
  return blocks;
}

export const blocks: readonly Block[] = pages.flatMap(blocksOf);

/** A page's words, without its blocks. */
export const wordsOf = ({ text }: Page): string => text.replace(fence, '');

/** The first block of a language in a chapter of the front page. */
export function blockIn(chapter: string, language: string): string {
  const found = blocks.find(
    (block) => block.page === 'README.md' && block.chapter === chapter && block.language === language,
  );
  if (found === undefined) throw new Error(`README.md has no block of ${language} in "${chapter}"`);
  return found.code;
}

const mark = '// prints: ';

/** The comment lines at the end of a block that tell what it prints; undefined where it says nothing. */
export function printsOf(code: string): readonly string[] | undefined {
  const lines = code.trimEnd().split('\n');
  const last = lines.findLastIndex((line) => !line.startsWith(mark));
  const said = lines.slice(last + 1).map((line) => line.slice(mark.length));
  return said.length === 0 ? undefined : said;
}
