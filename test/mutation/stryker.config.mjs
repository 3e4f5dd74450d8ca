import { readdirSync } from 'node:fs';

/**
 * The run may be narrowed: `MUTATE` lists the files (or ranges of them) to change, `FIRST` the beginnings of the names of
 * the test files that a mutant meets first, as `retry.,circuit`. With `QUICK=1` it meets no others: those that survive are to be
 * tried again, by `AGAIN` with the report of that run. `SAMPLE=0.2 SEED=1` tries a fifth of the mutants, drawn at random.
 */
const list = (text) => (text ?? '').split(',').filter((each) => each !== '');
const mutate = list(process.env.MUTATE);
const first = list(process.env.FIRST);
const isQuick = process.env.QUICK === '1';
const isPart = Boolean(process.env.SAMPLE || process.env.AGAIN);

/** A mutant meets the test files one by one until one fails. These come last: they take long, or do under a mutant. */
const slowLast = [
  ...['timers', 'rate-limit', 'errors', 'retry-delay', 'circuit.model', 'circuit-breaker.model', 'configure.model'],
  ...['timeout.model', 'many-classes', 'model', 'locate', 'error-codec', 'pool', 'exit'],
];
const nameOf = (file) => file.slice(file.lastIndexOf('/') + 1, -'.test.js'.length);
const isFirst = (file) => first.some((name) => `${nameOf(file)}.`.startsWith(name));
const place = (file) => slowLast.indexOf(nameOf(file)) - (isFirst(file) ? slowLast.length : 0);
const testFiles = ['core', 'items', 'otel', 'policies', 'telemetry', 'testing']
  .flatMap((folder) => readdirSync(`build/test/${folder}`).map((file) => `build/test/${folder}/${file}`))
  .concat(['inspect', 'orchestrator'].map((name) => `build/test/${name}.test.js`))
  .concat(['locate', 'error-codec', 'pool'].map((name) => `build/test/workers/${name}.test.js`))
  .filter((file) => file.endsWith('.test.js'))
  .filter((file) => !isQuick || isFirst(file))
  .sort((one, other) => place(one) - place(other));

export default {
  mutate: mutate.length > 0 ? mutate : ['src/core/**/*.ts', 'src/limits/**/*.ts', 'src/policies/**/*.ts'],
  testRunner: 'tap',
  plugins: ['@stryker-mutator/tap-runner', './test/mutation/checker.mjs'],
  checkers: isPart ? ['choice'] : [],
  tap: {
    testFiles,
    nodeArgs: [
      '--no-warnings',
      '--test-reporter=./test/mutation/run-file.mjs',
      '-r',
      '{{hookFile}}',
      'test/mutation/run-file.mjs',
      '{{testFile}}',
    ],
    forceBail: true,
  },
  buildCommand: 'npm run build:mutants',
  tsconfigFile: 'none',
  ignorePatterns: ['/test/compilers', '/.ci'],
  coverageAnalysis: 'perTest',
  // Of a busy machine: what has no end is mostly told by how often it comes by.
  timeoutMS: 20_000,
  timeoutFactor: 3,
  concurrency: 2,
  reporters: ['progress-append-only', 'clear-text', 'json'],
  clearTextReporter: { allowColor: false, reportTests: false, allowEmojis: false },
  jsonReporter: { fileName: 'out/mutation.json' },
  tempDirName: 'out/mutation',
  allowEmpty: false,
};
