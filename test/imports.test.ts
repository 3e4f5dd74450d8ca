import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, test } from 'node:test';

/** The rooms of the house, the lowest first. Those of one line stand side by side, and import nothing of each other. */
const floors = [
  ['core'],
  ['core/call'],
  ['core/decoration'],
  ['limits'],
  ['limits/stored'],
  ['workers'],
  ['policies'],
  ['orchestrate.ts', 'inspect.ts', 'changes.ts'],
  ['configure.ts', 'decorate-types.ts'],
  ['decorate.ts'],
  ['configure-from.ts'],
  ['items'],
  ['orchestrator.ts', 'telemetry'],
  ['telemetry/metrics'],
  ['index.ts', 'bullmq', 'nestjs', 'otel', 'prometheus', 'redis', 'testing', 'view', 'vite'],
  // What shows it: in a browser, on a terminal.
  ['view/page', 'view/top'],
];

const root = path.resolve('src');
const files = readdirSync(root, { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.ts'))
  .map((file) => file.replaceAll(path.sep, '/'));

/** Every import of a file of ours, by types and by `import()` too. */
const importsOf = (file: string): string[] =>
  [...readFileSync(path.join(root, file), 'utf8').matchAll(/(?:from|import)\s*\(?\s*'(\.[^']+)\.js'/g)].map(
    ([, target]) => `${path.posix.join(path.posix.dirname(file), target as string)}.ts`,
  );

const imports = new Map(files.map((file) => [file, importsOf(file)]));

const roomOf = (file: string): string => (file.includes('/') ? path.posix.dirname(file) : file);

const floorOf = (file: string): number => floors.findIndex((rooms) => rooms.includes(roomOf(file)));

/** The first circle of imports that is found from a file on. */
function circleFrom(file: string, way: readonly string[], done: Set<string>): readonly string[] | undefined {
  if (way.includes(file)) return [...way.slice(way.indexOf(file)), file];
  if (done.has(file)) return undefined;
  for (const target of imports.get(file) ?? []) {
    const circle = circleFrom(target, [...way, file], done);
    if (circle !== undefined) return circle;
  }
  done.add(file);
  return undefined;
}

describe('imports', () => {
  test('every file stands in a room, and every import leads to a file', () => {
    assert.ok(files.length > 60);
    assert.deepEqual(
      files.filter((file) => floorOf(file) === -1),
      [],
    );
    const missing = [...imports].flatMap(([file, targets]) =>
      targets.filter((target) => !imports.has(target)).map((target) => `${file} -> ${target}`),
    );
    assert.deepEqual(missing, []);
  });

  test('they go down, or stay in their room', () => {
    const wrong = [...imports].flatMap(([file, targets]) =>
      targets
        .filter((target) => roomOf(target) !== roomOf(file) && floorOf(target) >= floorOf(file))
        .map((target) => `${file} -> ${target}`),
    );
    assert.deepEqual(wrong, []);
  });

  test('no files import each other in a circle, by types neither', () => {
    const done = new Set<string>();
    assert.deepEqual(
      files.flatMap((file) => circleFrom(file, [], done)?.join(' -> ') ?? []),
      [],
    );
  });
});
