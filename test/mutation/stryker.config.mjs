import { readdirSync } from 'node:fs';

/** A mutant meets the test files one by one until one fails. These come last: they take long, or do under a mutant. */
const slowLast = ['timers', 'rate-limit', 'errors', 'many-classes', 'model', 'locate', 'error-codec', 'pool', 'exit'];
const place = (file) => slowLast.findIndex((name) => file.endsWith(`/${name}.test.js`));
const testFiles = ['core', 'policies']
  .flatMap((folder) => readdirSync(`build/test/${folder}`).map((file) => `build/test/${folder}/${file}`))
  .concat(['inspect', 'orchestrator'].map((name) => `build/test/${name}.test.js`))
  .concat(['locate', 'error-codec', 'pool'].map((name) => `build/test/workers/${name}.test.js`))
  .filter((file) => file.endsWith('.test.js'))
  .sort((one, other) => place(one) - place(other));

export default {
  mutate: ['src/core/**/*.ts', 'src/limits/**/*.ts', 'src/policies/**/*.ts'],
  testRunner: 'tap',
  plugins: ['@stryker-mutator/tap-runner'],
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
  buildCommand: 'npm run build:code',
  tsconfigFile: 'none',
  ignorePatterns: ['/test/compilers', '/.ci'],
  coverageAnalysis: 'perTest',
  concurrency: 2,
  reporters: ['progress-append-only', 'clear-text', 'json'],
  clearTextReporter: { allowColor: false, reportTests: false, allowEmojis: false },
  jsonReporter: { fileName: 'out/mutation.json' },
  tempDirName: 'out/mutation',
  allowEmpty: false,
};
