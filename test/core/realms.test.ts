import { strict as assert } from 'node:assert';
import { before, describe, test } from 'node:test';
import { createContext, runInContext } from 'node:vm';
import {
  ConfigurationError,
  chaos,
  circuitBreaker,
  type ErrorClass,
  type ErrorMatcher,
  fallback,
  ItemError,
  type OrchestratorConfig,
  orchestrate,
  processAll,
  retry,
} from 'opero';
import { rejection } from '../support/rejection.js';

const context = createContext({});
/** What a program of another realm makes, as jest and `node:vm` run it. */
const foreign = (code: string): unknown => runInContext(code, context);
const foreignClass = (code: string): ErrorClass => foreign(`(${code})`) as ErrorClass;

/** How many attempts a method makes that throws this, of three at the most. */
async function attempts(error: unknown, options: { retryOn?: ErrorMatcher; abortOn?: ErrorMatcher }): Promise<number> {
  let made = 0;
  class Shop {
    @retry({ maxAttempts: 3, waitMin: 0, ...options })
    async buy(): Promise<void> {
      made++;
      throw error;
    }
  }
  assert.equal(await rejection(new Shop().buy()), error);
  return made;
}

describe('a built-in class of errors in a matcher means errors of whatever realm', () => {
  const builtIns = [
    Error,
    AggregateError,
    EvalError,
    RangeError,
    ReferenceError,
    SyntaxError,
    TypeError,
    URIError,
  ] as const;

  for (const type of builtIns) {
    const made = type === AggregateError ? `new ${type.name}([])` : `new ${type.name}('x')`;
    test(`${type.name}: its own kind, its subclasses, and no other`, async () => {
      const other = type === RangeError ? 'new TypeError()' : 'new RangeError()';
      for (const [matcher, ours] of [
        [type, foreign],
        [foreignClass(type.name), foreign],
        [foreignClass(type.name), (code: string) => new Function(`return ${code}`)()],
      ] as const) {
        assert.equal(await attempts(ours(made), { retryOn: matcher }), 3);
        assert.equal(await attempts(ours(made), { retryOn: [URIError, matcher] }), 3);
        assert.equal(await attempts(ours(made), { abortOn: matcher }), 1);
        assert.equal(
          await attempts(ours(`new (class Mine extends ${type.name} {})${made.slice(made.indexOf('('))}`), {
            retryOn: matcher,
          }),
          3,
        );
        assert.equal(await attempts(ours(other), { retryOn: matcher }), type === Error ? 3 : 1);
        assert.equal(await attempts(ours('({ name: "Error", message: "x" })'), { retryOn: matcher }), 1);
      }
    });
  }

  test('in @fallback as well', async () => {
    class Shop {
      @fallback({ value: 'cached', on: Error })
      async buy(): Promise<string> {
        throw foreign('new TypeError()');
      }
      @fallback({ value: 'cached', on: [SyntaxError] })
      async pay(): Promise<string> {
        throw foreign('new TypeError()');
      }
    }
    assert.equal(await new Shop().buy(), 'cached');
    assert.equal(String(await rejection(new Shop().pay())), 'TypeError');
  });

  test('but not what only has the name of one, or was never made by it', async () => {
    for (const code of [
      'Object.create({ constructor: class Error {} })',
      'Object.create(Error.prototype)',
      'new (function Error() {})()',
      'new (class TypeError extends Object {})()',
    ]) {
      assert.equal(await attempts(foreign(code), { retryOn: Error }), 1, code);
    }
  });

  test('a class of its own from another realm means its own errors', async () => {
    const Mine = foreignClass('globalThis.Mine ??= class Mine extends Error {}');
    const Old = foreignClass(
      'globalThis.Old ??= (() => { function Old() {}; Old.prototype = new Error(); return Old })()',
    );
    assert.equal(await attempts(foreign('new Mine()'), { retryOn: Mine }), 3);
    assert.equal(await attempts(foreign('new Error()'), { retryOn: Mine }), 1);
    assert.equal(await attempts(foreign('new Old()'), { retryOn: [Old] }), 3);
    assert.equal(await attempts(foreign('new Error()'), { retryOn: Old }), 1);
  });

  test('a function that is none of them stays a predicate', async () => {
    const bound = Error.bind(undefined) as unknown as (error: unknown) => boolean;
    assert.equal(await attempts(new Error(), { retryOn: (error) => error === undefined }), 1);
    assert.equal(await attempts('text', { retryOn: bound }), 3);
    const isError = foreign('Error.isError') as ErrorMatcher | undefined;
    if (isError !== undefined) assert.equal(await attempts('text', { retryOn: isError }), 1);
    assert.equal(await attempts(foreign('new Error()'), { retryOn: foreign('(error) => false') as ErrorMatcher }), 1);
  });
});

describe('the message of an ItemError', () => {
  class Shop {
    async buy(code: string): Promise<void> {
      throw foreign(code);
    }
  }
  for (const [code, message] of [
    ["new Error('closed')", 'closed'],
    ["new (class Mine extends TypeError {})('closed')", 'closed'],
    ["Object.assign(new Error('closed'), { stack: 'far away' })", 'closed'],
    ["Object.assign(new Error(), { name: 'Closed' })", ''],
    ["({ message: 'closed' })", "{ message: 'closed' }"],
  ] as const) {
    test(`holds the message alone of ${code} from another realm`, async () => {
      const [result] = await processAll(new Shop(), 'buy', [code], { onError: 'collect' });
      assert.ok(result instanceof ItemError);
      assert.equal(result.message, `item 0 failed: ${message}`);
    });
  }
});

describe('a promise of another realm where an option has to give a value', () => {
  before(() => chaos.enable());
  const promise = (): never => foreign('Promise.reject(new Error("far away"))') as never;
  const given: readonly (readonly [option: string, options: OrchestratorConfig])[] = [
    ['key', { rateLimit: { rate: 1, key: promise } }],
    ['delay', { hedge: { delay: promise } }],
    ['rotate.values', { fallback: { rotate: { argument: 0, values: promise } } }],
    ['halfOpenAfter', { circuitBreaker: { consecutive: 1, halfOpenAfter: promise } }],
    ['failResult', { circuitBreaker: { failResult: promise } }],
    ['cacheResult', { cache: { ttl: 1000, cacheResult: promise } }],
    ['latency', { chaos: { rate: 1, latency: promise } }],
    ['error', { chaos: { rate: 1, error: promise } }],
  ];

  for (const [option, options] of given) {
    test(`is refused, and what it comes to is nobody's affair: ${option}`, async () => {
      class Shop {
        @orchestrate(options)
        async buy(fails: boolean): Promise<void> {
          if (fails) throw new Error('sold out');
        }
      }
      const error = await rejection(new Shop().buy(option === 'halfOpenAfter'));
      assert.ok(error instanceof ConfigurationError, String(error));
      assert.match(error.message, new RegExp(`\`${option}\``));
      await new Promise(setImmediate);
    });
  }

  test('and of a hook it is not waited for', async () => {
    class Shop {
      @circuitBreaker({ consecutive: 1, onStateChange: promise })
      async buy(): Promise<void> {
        throw new Error('sold out');
      }
    }
    assert.match(String(await rejection(new Shop().buy())), /sold out/);
    await new Promise(setImmediate);
  });
});
