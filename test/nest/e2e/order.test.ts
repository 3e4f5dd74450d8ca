import { strict as assert } from 'node:assert';
import { execFile } from 'node:child_process';
import { describe, test } from 'node:test';
import { promisify } from 'node:util';

/** Gives a route its policies, and prints what Nest finds of it. */
const program = `
  const { Get } = await import('@nestjs/common');
  const { retry } = await import('opero');
  class Controller { async show() {} }
  const descriptor = Object.getOwnPropertyDescriptor(Controller.prototype, 'show');
  Get('here')(Controller.prototype, 'show', descriptor);
  retry(3)(Controller.prototype, 'show', descriptor);
  Object.defineProperty(Controller.prototype, 'show', descriptor);
  const { policiesOf } = await import('opero');
  console.log(Reflect.getMetadata('path', Controller.prototype.show), policiesOf(Controller, 'show')[0].kind);
`;

describe('the metadata of Nest and of opero', () => {
  for (const order of [
    ['opero', '@nestjs/common'],
    ['opero', 'reflect-metadata', '@nestjs/common'],
    ['@nestjs/common', 'opero'],
    ['reflect-metadata', 'opero/nestjs'],
  ]) {
    test(`are the same when they come in this order: ${order.join(', ')}`, async () => {
      const imports = order.map((each) => `await import('${each}');`).join('\n');
      const { NODE_TEST_CONTEXT: _, ...env } = process.env;
      const args = ['--input-type=module', '-e', `${imports}\n${program}`];
      const { stdout } = await promisify(execFile)(process.execPath, args, { env });
      assert.equal(stdout, 'here retry\n');
    });
  }
});
