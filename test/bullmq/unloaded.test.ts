import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import { orchestrate } from 'opero';

test('a program that has not imported opero/bullmq is told to, and no secret', () => {
  assert.throws(
    () => {
      class Crm {
        @orchestrate({ queued: { name: 'crm', connection: 'redis://me:secret@localhost' } })
        async sync(): Promise<void> {}
      }
      return Crm;
    },
    {
      name: 'ConfigurationError',
      message: '@orchestrate on method `sync`: `queued` is known once opero/bullmq was imported',
    },
  );
});
