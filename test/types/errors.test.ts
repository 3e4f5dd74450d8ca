import { strict as assert } from 'node:assert';
import { execFile } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const fixtures = 'test/fixtures/types/';

/** The older one stands among the compilers of test/compilers, where those are installed. */
const compilers = ['node_modules/typescript', 'test/compilers/node_modules/typescript-5'];

/** What the fixtures are compiled with: for both forms of decorators. */
const forms = {
  'in the new form': [],
  'in the old form': ['--experimentalDecorators', '--emitDecoratorMetadata'],
};

/** What a compiler says of the fixtures: all its text, by file and line. */
function compile(compiler: string, flags: readonly string[], folder = fixtures): Promise<Map<string, string>> {
  const args = [`${compiler}/bin/tsc`, '-p', `${folder}tsconfig.json`, '--pretty', 'false', ...flags];
  running = running.then(() => run(args));
  return running;
}

/** One after the other: each takes all that the machine has. */
let running: Promise<Map<string, string>> = Promise.resolve(new Map());

function run(args: readonly string[]): Promise<Map<string, string>> {
  return new Promise((resolve) => {
    execFile(process.execPath, args, { cwd: root, timeout: 120_000 }, (_error, stdout, stderr) => {
      const found = new Map<string, string>();
      let place = '';
      for (const line of `${stdout}${stderr}`.split(/\r?\n/)) {
        place = /^(.+\(\d+),\d+\): error /.exec(line)?.[1] ?? (/^\S/.test(line) ? '' : place);
        if (line !== '') found.set(place, `${found.get(place) ?? ''}${line.trim()}\n`);
      }
      resolve(found);
    });
  });
}

const countErrors = (text: string): number => text.split(': error TS').length - 1;

/** What an editor shows without scrolling: the first lines of each error, and of what it says of each overload. */
function firstLinesOf(text: string): string {
  const each = text.split(/^(?=.*: error TS\d+: |Overload \d of \d, )/m);
  return each.map((lines) => lines.split('\n').slice(0, 4).join('\n')).join('\n');
}

const runs = compilers
  .filter((each) => existsSync(`${root}${each}`))
  .flatMap((compiler) => Object.entries(forms).map(([form, flags]) => ({ compiler, form, flags })));

for (const { compiler, form, flags } of runs) {
  describe(`what must not compile, by ${compiler}, ${form}`, async () => {
    const said = await compile(compiler, flags);
    const isOld = flags.length > 0;

    if (isOld) {
      test('what must compile does so, save where the old form has no room for it', async () => {
        const ofOthers = await compile(compiler, ['--noUnusedLocals', 'false', ...flags], 'test/types/');
        assert.ok(ofOthers.size > 0);
        assert.deepEqual(
          [...ofOthers.values()].filter((text) => !/^\S+: error TS1206: Decorators are not valid here\.\n$/.test(text)),
          [],
        );
      });
    }

    test('the compiler complains of nothing but lines of the fixtures', () => {
      assert.deepEqual(
        [...said].filter(([place]) => !place.startsWith(fixtures)),
        [],
      );
    });

    for (const file of readdirSync(`${root}${fixtures}`).filter((name) => name.endsWith('.ts'))) {
      const lines = readFileSync(`${root}${fixtures}${file}`, 'utf8').split(/\r?\n/);
      lines.forEach((line, index) => {
        const [, only, inNew, inOld = inNew] = /\/\/ (only )?error: (.+?)(?: \/\/ old form: (.+))?$/.exec(line) ?? [];
        const expected = isOld ? inOld : inNew;
        const text = said.get(`${fixtures}${file}(${index + 1}`);
        if (expected === undefined && text === undefined) return;
        test(`${file}:${index + 1}: ${line.trim()}`, () => {
          assert.ok(expected !== undefined, `no error expected, got ${text}`);
          assert.ok(text !== undefined && firstLinesOf(text).includes(expected), `expected ${expected}, got ${text}`);
          // Of missing parentheses there are two there: what the decorator takes, and what to write.
          if (only !== undefined && !isOld) assert.equal(countErrors(text), 1, `expected one error, got ${text}`);
        });
      });
    }
  });
}
