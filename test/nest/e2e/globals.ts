import * as runner from 'node:test';

declare global {
  var afterEach: typeof runner.afterEach;
  var test: typeof runner.test;
}

// As test runners have them, which the page speaks of.
Object.assign(globalThis, { afterEach: runner.afterEach, test: runner.test });
