import { readFileSync } from 'node:fs';

const page = readFileSync(new URL('README.md', import.meta.url), 'utf8');

/** The code blocks that are used here. */
export const used = [];

/** The first code block of a language in a chapter. */
function block(chapter, language) {
  const [, text = ''] = page.split(`\n## ${chapter}\n`);
  const [own = ''] = text.split('\n## ');
  const [, code] = new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\``, 'm').exec(own) ?? [];
  if (code === undefined) throw new Error(`test/compilers/README.md has no block of ${language} in "${chapter}"`);
  used.push(code);
  return code;
}

/** What the page says to set the compilers up with. */
export const esbuildScript = block('esbuild', 'js');
export const swcrc = JSON.parse(block('swc', 'json'));
export const babelConfig = JSON.parse(block('Babel', 'json'));
export const vitestConfig = block('vite 8, vitest 4 and 5', 'js');
export const jestConfig = JSON.parse(block('jest 30', 'json'));
