import { expect, test } from 'vitest';
import { Weather } from './weather.js';

test('a stack names the line of the source', async () => {
  const error = await new Weather().forecast('Davos').catch((thrown: Error) => thrown);
  expect((error as Error).stack).toMatch(/weather\.ts:11:11/);
});

// What the runner shows of it is looked at from outside.
test('a failure names it too', async () => {
  await new Weather().forecast('Chur');
});
