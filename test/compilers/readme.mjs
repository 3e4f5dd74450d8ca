import { readFileSync } from 'node:fs';

/** The text of the page. */
export const page = readFileSync(new URL('README.md', import.meta.url), 'utf8');

/** The code blocks that are used here. */
export const used = [];

/** The code blocks of a language in a chapter. */
function blocks(chapter, language) {
  const [, text = ''] = page.split(`\n## ${chapter}\n`);
  const [own = ''] = text.split('\n## ');
  const found = [...own.matchAll(new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\``, 'gm'))].map(([, code]) => code);
  if (found.length === 0) throw new Error(`test/compilers/README.md has no block of ${language} in "${chapter}"`);
  used.push(...found);
  return found;
}

const block = (chapter, language) => blocks(chapter, language)[0];

/** What the page says to set the compilers up with. */
export const esbuildScript = block('esbuild', 'js');
export const swcrc = JSON.parse(block('swc', 'json'));
export const babelConfig = JSON.parse(block('Babel', 'json'));
export const vitestConfig = block('vite 8, vitest 4 and 5', 'js');
export const jestConfig = JSON.parse(block('jest 30', 'json'));

const [weather, route, actions, news, sums] = blocks('Next', 'ts');

/** The files of the Next application that the page shows. */
export const nextFiles = {
  'next.config.mjs': block('Next', 'js'),
  'lib/weather.ts': weather,
  'app/api/forecast/route.ts': route,
  'app/actions.ts': actions,
  'lib/news.ts': news,
  'app/api/sums/route.ts': sums,
};
export const nextCompilerOptions = JSON.parse(block('Next', 'json')).compilerOptions;
