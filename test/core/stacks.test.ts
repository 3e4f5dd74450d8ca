import { strict as assert } from 'node:assert';
import { describe, test } from 'node:test';
import { Orchestrator, orchestrate, retry } from 'opero';
import { rejection } from '../support/rejection.js';

/** The stacks of the errors that attempts ended with, in order. */
let stacks: string[] = [];

const fail = (): never => {
  const error = new Error('no');
  stacks.push(String(error.stack));
  throw error;
};

async function late(): Promise<never> {
  await undefined;
  return fail();
}

const times = { maxAttempts: 3, waitMin: 1, jitter: 'none' } as const;
const all = {
  fallback: { value: 0, on: () => false },
  retry: { ...times, maxElapsed: 60_000 },
  rateLimit: 1e6,
  concurrency: 9,
} as const;
/** With policies that make calls of their own of what lies beneath. */
const nested = { ...all, timeout: { attempt: 60_000, total: 60_000 } } as const;

class Shop {
  @retry(times)
  async atOnce(..._args: unknown[]): Promise<unknown> {
    return fail();
  }
  @retry(times)
  async late(..._args: unknown[]): Promise<unknown> {
    return await late();
  }
  @retry({ ...times, waitMin: 0, retryOn: async () => true })
  async asked(..._args: unknown[]): Promise<unknown> {
    return fail();
  }
  @orchestrate(all)
  async governed(..._args: unknown[]): Promise<unknown> {
    return fail();
  }
  @orchestrate(all)
  async governedLate(..._args: unknown[]): Promise<unknown> {
    return await late();
  }
  @orchestrate(all)
  static async make(..._args: unknown[]): Promise<unknown> {
    return fail();
  }
  @orchestrate(all)
  async #hidden(..._args: unknown[]): Promise<unknown> {
    return fail();
  }
  hidden(...args: unknown[]): Promise<unknown> {
    return this.#hidden(...args);
  }
}

@retry(times)
class Everything {
  async load(..._args: unknown[]): Promise<unknown> {
    return fail();
  }
}

const shop = new Shop();
const orchestrator = new Orchestrator(all);
const bounded = {
  timeouts: new Orchestrator(nested),
  'timeouts and a cache': new Orchestrator({ ...nested, cache: 1 }),
  'timeouts and a single flight': new Orchestrator({ ...nested, singleFlight: {} }),
};
const calls: Record<string, (...args: unknown[]) => Promise<unknown>> = {
  'under retry alone, thrown at once': (...args) => shop.atOnce(...args),
  'under retry alone, thrown late': (...args) => shop.late(...args),
  'under retry alone, with an async matcher': (...args) => shop.asked(...args),
  'under all policies, thrown at once': (...args) => shop.governed(...args),
  'under all policies, thrown late': (...args) => shop.governedLate(...args),
  'of a static method under all policies': (...args) => Shop.make(...args),
  'of a #private method under all policies': (...args) => shop.hidden(...args),
  'of a class with a policy': (...args) => new Everything().load(...args),
  'of a function under all policies': orchestrator.wrap(fail as (...args: unknown[]) => unknown),
};

/** How many lines of a stack are the library's own: of its sources, or of what was built from them. */
const ownLines = (stack: string): number =>
  stack.split('\n').filter((line) => /[\\/](src|dist)[\\/]/.test(line)).length;

describe('in the stack of an error, each attempt costs at most two lines', () => {
  for (const [name, call] of Object.entries(calls)) {
    for (const signal of [undefined, new AbortController().signal]) {
      test(`${name}${signal ? ', with a signal' : ''}`, async () => {
        stacks = [];
        async function caller(): Promise<void> {
          await call(signal);
        }
        await rejection(caller());
        assert.equal(stacks.length, 3);
        for (const [index, stack] of stacks.entries()) {
          assert.ok(ownLines(stack) <= 2, `attempt ${index + 1}: ${stack}`);
          assert.match(stack, /at (async )?caller /, `attempt ${index + 1}`);
        }
      });
    }
  }

  const nestings = Object.entries(bounded).flatMap(([policies, each]) =>
    Object.entries({ 'at once': fail, late }).map(([name, fn]) => [`${policies}, thrown ${name}`, each, fn] as const),
  );
  for (const [name, each, fn] of nestings) {
    for (const signal of [undefined, new AbortController().signal]) {
      test(`three under ${name}${signal ? ', with a signal' : ''}, as these make calls of their own`, async () => {
        stacks = [];
        const call = each.wrap(fn as (...args: unknown[]) => Promise<unknown>);
        async function caller(): Promise<void> {
          await call(signal);
        }
        await rejection(caller());
        assert.equal(stacks.length, 3);
        for (const [index, stack] of stacks.entries()) {
          assert.ok(ownLines(stack) <= 3, `attempt ${index + 1}: ${stack}`);
          assert.match(stack, /at (async )?caller /, `attempt ${index + 1}`);
        }
      });
    }
  }

  test('and those are counted where they stand', async () => {
    stacks = [];
    await rejection(shop.atOnce());
    assert.deepEqual(stacks.map(ownLines), [2, 2, 2]);
  });
});
