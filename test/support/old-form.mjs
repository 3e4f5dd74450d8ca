/*
 * Compiles the suites about what is in force where in the old form of decorators. What that form has no room for is taken
 * out of their text, and the tests of it are skipped by `isOldForm`; what it cannot see, a subclass without a decorator of
 * its own, gets the decorator that the page says to put there.
 */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const tests = fileURLToPath(new URL('../', import.meta.url));

/** The suites about what is in force where, which hold under every compiler and in both forms. */
export const suites = ['class-level', 'definition', 'foreign', 'inheritance', 'register'];

/** The text of a suite, as the old form has room for it. */
export function inOldForm(text) {
  const cut = text
    .replaceAll(/^ *@.+ \/\/ not in the old form$/gm, '')
    // Decorators on private members.
    .replaceAll(/^ *@.+$(?=(?:\n *@.+)*\n *(?:static )?(?:async )?#)/gm, '')
    // Subclasses, which nothing sees. No line is added, so that stacks name the right one.
    .replaceAll(/^( *)((?:export )?(?:abstract )?class \w+ extends )/gm, '$1@linked $2');
  return cut === text ? text : `import { linked } from '../support/form.js'; ${cut}`;
}

/** Writes the sources of the suites into a folder, as the old form has room for them. */
export function writeOldSources(folder) {
  for (const part of ['core', 'support']) {
    mkdirSync(join(folder, part), { recursive: true });
    for (const name of readdirSync(join(tests, part)).filter((each) => each.endsWith('.ts'))) {
      if (part === 'core' && !suites.includes(basename(name, '.test.ts'))) continue;
      const text = readFileSync(join(tests, part, name), 'utf8');
      writeFileSync(join(folder, part, name), inOldForm(text));
    }
  }
}

const [, script, folder] = process.argv;
if (script === fileURLToPath(import.meta.url)) writeOldSources(folder);
