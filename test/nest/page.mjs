import { readFileSync } from 'node:fs';

const page = readFileSync(new URL('../../src/nestjs/README.md', import.meta.url), 'utf8');

/** The modules of the page, by the names that they begin with. */
export const modules = new Map(
  [...page.matchAll(/^```ts\n(\/\/ (\S+)\n[\s\S]*?)^```$/gm)].map(([, code, name]) => [name, code]),
);

/** How jest is to be set up. */
export const [, jestConfig = ''] = /^```json\n([\s\S]*?)^```$/m.exec(page) ?? [];

/** The code blocks that are used here. */
export const used = [...modules.values(), jestConfig];
