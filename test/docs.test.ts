import { strict as assert } from 'node:assert';
import { execFile } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, posix } from 'node:path';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const dist = new URL('../../dist/', import.meta.url);
const read = (path: string): string => readFileSync(new URL(path, dist), 'utf8');

/** What a docstring looks like, right before what it belongs to. */
const doc = String.raw`(?:/\*\*((?:(?!\*/)[\s\S])*)\*/\s*)?`;

/** The entries of the package. */
const entries = {
  opero: 'index.d.ts',
  'opero/bullmq': 'bullmq/index.d.ts',
  'opero/nestjs': 'nestjs/index.d.ts',
  'opero/otel': 'otel/index.d.ts',
  'opero/prometheus': 'prometheus/index.d.ts',
  'opero/redis': 'redis/index.d.ts',
  'opero/testing': 'testing/index.d.ts',
  'opero/view': 'view/index.d.ts',
  'opero/vite': 'vite/index.d.ts',
} as const;

/** A declaration of a .d.ts file, up to the next one. */
interface Declared {
  readonly name: string;
  readonly kind: string;
  readonly doc: string;
  readonly text: string;
}

/** The words of a docstring, without its frame of stars. */
const wordsOf = (raw = ''): string =>
  raw
    .split('\n')
    .map((line) => line.replace(/^\s*\*? ?/, '').trimEnd())
    .join('\n')
    .trim();

/** Every declaration of a file; of overloads the first that carries a docstring. */
function declarationsOf(path: string): Map<string, Declared> {
  const text = read(path);
  const heading = `^${doc}export (?:declare )?(?:abstract )?(function|class|const|interface|type) (\\w+)`;
  const found = [...text.matchAll(new RegExp(heading, 'gm'))];
  const declared = new Map<string, Declared>();
  for (const [index, { 1: raw, 2: kind = '', 3: name = '', 0: head, index: start }] of found.entries()) {
    const rest = text.slice(start + head.length, found[index + 1]?.index);
    const [body = ''] = kind === 'class' || kind === 'interface' ? rest.split('\n}') : [rest];
    if (!declared.get(name)?.doc) declared.set(name, { name, kind, doc: wordsOf(raw), text: body });
  }
  return declared;
}

/** What an entry exports, as it is declared where it comes from. */
function exported(entry: string): Declared[] {
  const all: Declared[] = [];
  for (const { 1: names = '', 2: path = '' } of read(entry).matchAll(/export (?:type )?\{([^}]*)\} from '(.+)\.js'/g)) {
    const declared = declarationsOf(posix.join(posix.dirname(entry), `${path}.d.ts`));
    for (const name of names.split(',').map((each) => each.trim().replace(/^type /, ''))) {
      if (name === '' || name.endsWith(' as default')) continue;
      const found = declared.get(name);
      assert.ok(found, `${name} is not declared in ${path}.d.ts`);
      all.push(found);
    }
  }
  return all;
}

interface Part {
  readonly name: string;
  readonly doc: string;
  readonly optional: boolean;
  /** What stands between the parentheses of a method; undefined for a field. */
  readonly parameters: string | undefined;
}

/** The members of an interface or class that users see; private names and computed ones aside. */
function partsOf({ text }: Declared): Part[] {
  const member = `^ {4}${doc}(?:(?:readonly|get|static|override|abstract) )*(\\w+)(\\?)?(?=[:(<])`;
  return [...text.matchAll(new RegExp(member, 'gm'))].map(({ 0: head, 1: raw, 2: name = '', 3: mark, index }) => ({
    name,
    doc: wordsOf(raw),
    optional: mark === '?',
    parameters: /\bget \w+$/.test(head) ? undefined : parametersAt(text.slice(index + head.length)),
  }));
}

/** The parameters of a function whose name stands before the text, type parameters aside. */
function parametersAt(text: string): string | undefined {
  const [, found] = /^(?:<(?:[^()]|\([^()]*\))*?>)?\(([\s\S]*?)\)(?=: |;)/.exec(text) ?? [];
  return found;
}

/** The code of a docstring's example. */
const exampleOf = ({ doc }: Declared): string => doc.split('@example')[1]?.split(/\n@\w/)[0]?.trim() ?? '';

const exportsOf = Object.entries(entries).map(([name, file]) => [name, exported(file)] as const);
const symbols = exportsOf.flatMap(([, all]) => all);
const named = (...kinds: string[]): Declared[] => symbols.filter(({ kind }) => kinds.includes(kind));
const described = (words: string): boolean => /^[^@\s]/.test(words) && words.split('\n@')[0] !== '';

const options = named('interface').filter(({ name }) => /(Config|Options|Limits)$/.test(name));

/** What an example speaks of and leaves out. */
const declared = 'declare class HttpError extends Error { readonly status: number }';

/** A docstring's example as a module: all of opero is there, and a body that is left out does what it must. */
function moduleOf(symbol: Declared): string {
  let code = exampleOf(symbol).replace(/\\@/g, '@').replaceAll('{ ... }', '{ throw 0; }');
  if (code.startsWith('@')) code = `class Example {\n[field: string]: any;\n${code}\n}`;
  const imports = exportsOf.map(([entry, all]) => {
    const used = all.filter(({ name }) => new RegExp(`\\b${name}\\b`).test(code));
    return `import { ${used.map(({ name }) => name).join(', ')} } from '${entry}';\n`;
  });
  return `${imports.join('')}${declared}\n${code}\nexport {};\n`;
}

/** What examples name and leave out, as they are but parts of a program. */
const absent = [
  'AlpineWeather',
  'AppModule',
  'Client',
  'ConfigService',
  'Crm',
  'Data',
  'Forecast',
  'Grid',
  'HealthCheckService',
  'Receipt',
  'Redis',
  'Report',
  'Test',
  'TimeoutError',
  'Weather',
  'afterEach',
  'api',
  'app',
  'audit',
  'createClient',
  'createInterface',
  'createReadStream',
  'crm',
  'db',
  'fetchPrice',
  'fetchUser',
  'id',
  'images',
  'indicator',
  'items',
  'log',
  'pixels',
  'readCache',
  'save',
  'seeds',
  'shop',
  'weather',
];

/** What an example may lack: those, and a function around its `return`. */
const lacking = new RegExp(`error TS((?:2304|2552): Cannot find name '(${absent.join('|')})'\\.|1108:)`);

describe('the docstrings', () => {
  test('are looked for on everything that opero exports', async () => {
    const names = new Set(symbols.map(({ name }) => name));
    for (const [entry] of exportsOf) {
      assert.deepEqual(
        Object.keys(await import(entry)).filter((name) => name !== 'default' && !names.has(name)),
        [],
      );
    }
    assert.ok(named('interface').length >= 10, 'finds interfaces');
    assert.ok(named('type').length >= 5, 'finds types');
  });

  for (const symbol of symbols) {
    test(`${symbol.name} has one, with an example`, () => {
      assert.ok(described(symbol.doc), 'no description');
      assert.match(exampleOf(symbol), /\w/);
    });
  }

  const functions = named('function').map(({ name, doc, text }) => ({
    name,
    doc,
    parameters: text.split(/;\n(?![ }])/)[0],
  }));
  const methods = named('class').flatMap((type) =>
    partsOf(type)
      .filter(({ parameters }) => parameters !== undefined)
      .map(({ name, doc, parameters = '' }) => ({ name: `${type.name}.${name}`, doc, parameters })),
  );

  test('are looked for on methods, too', () => {
    const wanted = [
      'Orchestrator.constructor',
      'Orchestrator.process',
      'FallbackChain.execute',
      'RetryError.constructor',
    ];
    for (const name of wanted)
      assert.ok(
        methods.some((method) => method.name === name),
        name,
      );
  });

  for (const { name, doc, parameters } of [...functions, ...methods]) {
    test(`${name} has one that tells its parameters and what it throws`, () => {
      const told = [...doc.matchAll(/@param (\w+) (.*)/g)];
      for (const [, parameter, words] of told) {
        assert.match(parameters, new RegExp(`\\b${parameter}\\??:`), `${parameter} is no parameter`);
        assert.match(words ?? '', /\w/);
      }
      assert.equal(told.length > 0, !/^(<[^(]*>)?(\(\)|$)/.test(parameters), 'parameters');
      // An error is made by opero, which throws it.
      if (!/Error\.constructor$/.test(name)) assert.match(doc, /@throws \w/);
    });
  }

  for (const symbol of named('interface', 'class')) {
    test(`${symbol.name} has one for each member`, () => {
      const parts = partsOf(symbol);
      // The policies fill `Policies`, each from its own file.
      assert.ok(parts.length > 0 || symbol.kind === 'class' || symbol.name === 'Policies');
      assert.deepEqual(
        parts.filter((part) => !described(part.doc) && !/@param/.test(part.doc)).map(({ name }) => name),
        [],
      );
    });
  }

  for (const symbol of options) {
    test(`${symbol.name} has one for each option that tells its default, and the unit of a duration`, () => {
      for (const { name, doc, optional } of partsOf(symbol)) {
        assert.match(doc, optional ? /\bdefault\b/i : /\bRequired\b/, name);
        if (/^(wait(Min|Max)|per|maxWait|maxElapsed|idleTimeout)$/.test(name)) assert.match(doc, /milliseconds/, name);
        if (/Mb$/.test(name)) assert.match(doc, /megabytes/, name);
      }
    });
  }

  test('have examples that compile, but for what they leave out', async () => {
    const folder = fileURLToPath(new URL('../docs/', import.meta.url));
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder, { recursive: true });
    for (const [index, symbol] of symbols.entries()) {
      writeFileSync(join(folder, `${index}-${symbol.name}.ts`), moduleOf(symbol));
    }
    const off = ['noUnusedLocals', 'noUnusedParameters', 'verbatimModuleSyntax', 'exactOptionalPropertyTypes'];
    const compilerOptions = { ...Object.fromEntries(off.map((each) => [each, false])), rootDir: '.', noEmit: true };
    const config = { extends: '../../tsconfig.json', compilerOptions, include: ['*.ts'] };
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(config));
    const tsc = join(dirname(createRequire(import.meta.url).resolve('typescript/package.json')), 'bin', 'tsc');
    const { stdout } = await promisify(execFile)(process.execPath, [tsc, '-p', folder, '--pretty', 'false']).catch(
      (failed: { stdout: string }) => failed,
    );
    const errors = stdout.split('\n').filter((line) => /error TS/.test(line));
    assert.deepEqual(
      errors.filter((line) => !lacking.test(line)),
      [],
    );
    // That it was looked at at all.
    assert.ok(errors.some((line) => /Cannot find name 'Forecast'/.test(line)));
  });

  test('name the source of full jitter', () => {
    const source = 'https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/';
    const retry = symbols.find(({ name }) => name === 'retry');
    const config = symbols.find(({ name }) => name === 'RetryConfig');
    assert.ok(retry?.doc.includes(`@see ${source}`));
    assert.ok(config && partsOf(config).some(({ name, doc }) => name === 'jitter' && doc.includes(`@see ${source}`)));
  });
});
