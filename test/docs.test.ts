import { strict as assert } from 'node:assert';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';

const dist = new URL('../../dist/', import.meta.url);
const read = (path: string): string => readFileSync(new URL(path, dist), 'utf8');

/** What a docstring looks like, right before what it belongs to. */
const doc = String.raw`(?:/\*\*((?:(?!\*/)[\s\S])*)\*/\s*)?`;

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

/** Every declaration of a file; of overloads the first, which carries the docstring. */
function declarationsOf(path: string): Map<string, Declared> {
  const text = read(path);
  const heading = `^${doc}export (?:declare )?(?:abstract )?(function|class|const|interface|type) (\\w+)`;
  const found = [...text.matchAll(new RegExp(heading, 'gm'))];
  const declared = new Map<string, Declared>();
  for (const [index, { 1: raw, 2: kind = '', 3: name = '', 0: head, index: start }] of found.entries()) {
    const rest = text.slice(start + head.length, found[index + 1]?.index);
    const [body = ''] = kind === 'class' || kind === 'interface' ? rest.split('\n}') : [rest];
    if (!declared.has(name)) declared.set(name, { name, kind, doc: wordsOf(raw), text: body });
  }
  return declared;
}

/** What index.d.ts exports, as it is declared where it comes from. */
function exported(): Declared[] {
  const all: Declared[] = [];
  for (const { 1: names = '', 2: path = '' } of read('index.d.ts').matchAll(
    /export (?:type )?\{([^}]*)\} from '(.+)\.js'/g,
  )) {
    const declared = declarationsOf(`${path}.d.ts`);
    for (const name of names.split(',').map((each) => each.trim().replace(/^type /, ''))) {
      if (name === '') continue;
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
}

/** The members of an interface or class that users see; private names and computed ones aside. */
function partsOf({ text }: Declared): Part[] {
  const member = `^ {4}${doc}(?:(?:readonly|get|static|override|abstract) )*(\\w+)(\\?)?(?=[:(<])`;
  return [...text.matchAll(new RegExp(member, 'gm'))].map(({ 1: raw, 2: name = '', 3: mark }) => ({
    name,
    doc: wordsOf(raw),
    optional: mark === '?',
  }));
}

const symbols = exported();
const named = (...kinds: string[]): Declared[] => symbols.filter(({ kind }) => kinds.includes(kind));
const described = (words: string): boolean => /^[^@\s]/.test(words) && words.split('\n@')[0] !== '';

const options = named('interface').filter(({ name }) => /(Config|Options|Limits)$/.test(name));

describe('the docstrings', () => {
  test('are looked for on everything that opero exports', async () => {
    const names = new Set(symbols.map(({ name }) => name));
    assert.deepEqual(
      Object.keys(await import('opero')).filter((name) => !names.has(name)),
      [],
    );
    assert.ok(named('interface').length >= 10, 'finds interfaces');
    assert.ok(named('type').length >= 5, 'finds types');
  });

  for (const symbol of symbols) {
    test(`${symbol.name} has one, with an example`, () => {
      assert.ok(described(symbol.doc), 'no description');
      const [, example = ''] = symbol.doc.split('@example');
      assert.match(example, /\w/);
    });
  }

  for (const { name, doc, text } of named('function')) {
    test(`${name} has one that tells its parameters and what it throws`, () => {
      const parameters = [...doc.matchAll(/@param (\w+) (.*)/g)];
      for (const [, parameter, words] of parameters) {
        assert.match(text, new RegExp(`\\b${parameter}\\??:`), `${parameter} is no parameter`);
        assert.match(words ?? '', /\w/);
      }
      assert.equal(parameters.length > 0, !/^(<[^(]*>)?\(\)/.test(text), 'parameters');
      assert.match(doc, /@throws \w/);
    });
  }

  for (const symbol of named('interface', 'class')) {
    test(`${symbol.name} has one for each member`, () => {
      const parts = partsOf(symbol);
      assert.ok(parts.length > 0 || symbol.kind === 'class');
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

  test('name the source of full jitter', () => {
    const source = 'https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/';
    const retry = symbols.find(({ name }) => name === 'retry');
    const config = symbols.find(({ name }) => name === 'RetryConfig');
    assert.ok(retry?.doc.includes(`@see ${source}`));
    assert.ok(config && partsOf(config).some(({ name, doc }) => name === 'jitter' && doc.includes(`@see ${source}`)));
  });
});
