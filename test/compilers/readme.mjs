import { readFileSync } from 'node:fs';

const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8');
const [, chapter = ''] = /^## Compilers\n([\s\S]*?)^## /m.exec(readme) ?? [];

/** The code blocks that are used here. */
export const used = [];

/** The one code block of a language in the chapter about compilers that stands after these words. */
function block(words, language) {
  const [, , code] =
    new RegExp(`^(${words})[^\`]*[\\s\\S]*?^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\``, 'm').exec(chapter) ?? [];
  if (code === undefined) throw new Error(`README.md has no block of ${language} after "${words}"`);
  used.push(code);
  return code;
}

/** What the README says to set the compilers up with. */
export const esbuildScript = block('esbuild, in a build script', 'js');
export const swcrc = JSON.parse(block('swc, `.swcrc`', 'json'));
export const babelConfig = JSON.parse(block('Babel, `babel.config.json`', 'json'));
export const vitestConfig = block('vite 8 and vitest 5', 'ts');
