import { strict as assert } from 'node:assert';
import { execFile } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const fixtures = 'test/fixtures/types/';

/** The older one stands among the compilers of test/compilers, where those are installed. */
const compilers = ['node_modules/typescript', 'test/compilers/node_modules/typescript-5'];

/** What a compiler says of the fixtures: all its text, by file and line. */
function compile(compiler: string): Promise<Map<string, string>> {
  const args = [`${compiler}/bin/tsc`, '-p', `${fixtures}tsconfig.json`, '--pretty', 'false'];
  return new Promise((resolve) => {
    execFile(process.execPath, args, { cwd: root, timeout: 60_000 }, (_error, stdout, stderr) => {
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

/** What an editor shows without scrolling: the first lines of each error. */
function firstLinesOf(text: string): string {
  const each = text.split(/^(?=.*: error TS\d+: )/m);
  return each.map((lines) => lines.split('\n').slice(0, 4).join('\n')).join('\n');
}

for (const compiler of compilers.filter((each) => existsSync(`${root}${each}`))) {
  describe(`what must not compile, by ${compiler}`, async () => {
    const said = await compile(compiler);

    test('the compiler complains of nothing but lines of the fixtures', () => {
      assert.deepEqual(
        [...said].filter(([place]) => !place.startsWith(fixtures)),
        [],
      );
    });

    for (const file of readdirSync(`${root}${fixtures}`).filter((name) => name.endsWith('.ts'))) {
      const lines = readFileSync(`${root}${fixtures}${file}`, 'utf8').split(/\r?\n/);
      lines.forEach((line, index) => {
        const [, only, expected] = /\/\/ (only )?error: (.+)$/.exec(line) ?? [];
        const text = said.get(`${fixtures}${file}(${index + 1}`);
        if (expected === undefined && text === undefined) return;
        test(`${file}:${index + 1}: ${line.trim()}`, () => {
          assert.ok(expected !== undefined, `no error expected, got ${text}`);
          assert.ok(text !== undefined && firstLinesOf(text).includes(expected), `expected ${expected}, got ${text}`);
          if (only !== undefined) assert.equal(countErrors(text), 1, `expected one error, got ${text}`);
        });
      });
    }
  });
}
