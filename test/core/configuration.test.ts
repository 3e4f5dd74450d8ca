import { strict as assert } from 'node:assert';
import { availableParallelism } from 'node:os';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { inspect } from 'node:util';
import {
  CircuitBreaker,
  ConcurrencyLimiter,
  ConfigurationError,
  configure,
  decorate as decorateClass,
  definePolicy,
  FallbackChain,
  fallback,
  Orchestrator,
  orchestrate,
  policiesOf,
  RateLimiter,
  retry,
  shutdown,
} from 'opero';
import { type Kind, kinds, samples } from '../support/kinds.js';

/** A factory of decorators, called as from JavaScript, where nothing checks types. */
type Factory = (...given: readonly unknown[]) => (value: unknown, context: unknown) => never;

type Name = Kind | 'orchestrate';
const exported: Readonly<Record<string, unknown>> = await import('opero');
const names: readonly Name[] = [...kinds, 'orchestrate'];
const factories = Object.fromEntries(names.map((name) => [name, exported[name]])) as unknown as Readonly<
  Record<Name, Factory>
>;

/** Puts a decorator on the method `load` of a class that has another method, `other`. */
function decorate(name: Name, ...given: readonly unknown[]): void {
  class Shop {
    @(factories[name](...given))
    async load(): Promise<void> {}
    async other(): Promise<void> {}
  }
  assert.ok(Shop);
}

function fails(run: () => unknown, message: string): void {
  assert.throws(run, (error) => {
    assert.ok(error instanceof ConfigurationError, String(error));
    assert.equal(error.name, 'ConfigurationError');
    assert.equal(error.message, message);
    return true;
  });
}

const count = 'an integer of at least 1';
const slots = `${count}, or the options of an adaptive limit`;
const countOrInfinity = 'an integer of at least 1 or Infinity';
const queue = 'an integer of at least 0 or Infinity';
const wait = 'a finite number of milliseconds of at least 0';
const waitOrInfinity = 'a number of milliseconds of at least 0 or Infinity';
const budget = 'a number of milliseconds above 0 or Infinity';
const span = 'a finite number of milliseconds above 0';
const factor = 'a finite number above 0';
const matcher = 'an error class, a predicate function, or an array of these';
const namesAndFunctions = 'an array of method names and functions';
const switched = 'true or false';
const func = 'a function';
const scope = "'class' or 'instance'";

/** Each option with values that it refuses, as the message shows them. */
const wrong: readonly [Name, Record<string, unknown>, string, string, readonly [unknown, string][]][] = [
  [
    'retry',
    {},
    'maxAttempts',
    countOrInfinity,
    [
      [0, '0'],
      [-1, '-1'],
      [1.5, '1.5'],
      [Number.NaN, 'NaN'],
      ['3', "'3'"],
      [null, 'null'],
      [2n, '2n'],
    ],
  ],
  [
    'retry',
    {},
    'waitMin',
    wait,
    [
      [-1, '-1'],
      [Number.NaN, 'NaN'],
      [Number.POSITIVE_INFINITY, 'Infinity'],
      ['1', "'1'"],
    ],
  ],
  [
    'retry',
    {},
    'waitMax',
    waitOrInfinity,
    [
      [-1, '-1'],
      [Number.NaN, 'NaN'],
      ['1', "'1'"],
    ],
  ],
  [
    'retry',
    {},
    'waitMultiplier',
    factor,
    [
      [0, '0'],
      [-2, '-2'],
      [Number.NaN, 'NaN'],
      [Number.POSITIVE_INFINITY, 'Infinity'],
      ['2', "'2'"],
    ],
  ],
  [
    'retry',
    {},
    'jitter',
    "'full' or 'none' or 'equal' or 'decorrelated'",
    [
      ['half', "'half'"],
      [true, 'true'],
      [null, 'null'],
    ],
  ],
  [
    'retry',
    {},
    'retryOn',
    matcher,
    [
      ['Error', "'Error'"],
      [5, '5'],
      [{}, '{}'],
      [null, 'null'],
      [[TypeError, undefined], '[ [Function: TypeError], undefined ]'],
      [[async function* () {}], '[ [AsyncGeneratorFunction (anonymous)] ]'],
    ],
  ],
  ['retry', {}, 'abortOn', matcher, [['Error', "'Error'"]]],
  ['retry', {}, 'retryResult', func, [[true, 'true']]],
  [
    'retry',
    {},
    'maxElapsed',
    budget,
    [
      [0, '0'],
      [-1, '-1'],
      [Number.NaN, 'NaN'],
      ['1s', "'1s'"],
    ],
  ],
  [
    'retry',
    {},
    'rethrow',
    switched,
    [
      ['yes', "'yes'"],
      [1, '1'],
    ],
  ],
  ['retry', {}, 'onRetry', func, [['log', "'log'"]]],
  [
    'concurrency',
    {},
    'limit',
    slots,
    [
      [0, '0'],
      [-1, '-1'],
      [1.5, '1.5'],
      [Number.NaN, 'NaN'],
      [Number.POSITIVE_INFINITY, 'Infinity'],
      ['3', "'3'"],
      [null, 'null'],
    ],
  ],
  ...(['concurrency', 'rateLimit'] as const).flatMap((name): typeof wrong => {
    const required = name === 'concurrency' ? { limit: 1 } : { rate: 1 };
    return [
      [
        name,
        required,
        'maxQueue',
        queue,
        [
          [-1, '-1'],
          [1.5, '1.5'],
          [Number.NaN, 'NaN'],
          ['1', "'1'"],
        ],
      ],
      [
        name,
        required,
        'maxWait',
        waitOrInfinity,
        [
          [-1, '-1'],
          [Number.NaN, 'NaN'],
          ['1', "'1'"],
        ],
      ],
      [name, required, 'key', func, [['id', "'id'"]]],
      [
        name,
        required,
        'scope',
        scope,
        [
          ['global', "'global'"],
          [1, '1'],
        ],
      ],
    ];
  }),
  [
    'rateLimit',
    {},
    'rate',
    factor,
    [
      [0, '0'],
      [-1, '-1'],
      [Number.NaN, 'NaN'],
      [Number.POSITIVE_INFINITY, 'Infinity'],
      ['5', "'5'"],
    ],
  ],
  [
    'rateLimit',
    { rate: 1 },
    'per',
    span,
    [
      [0, '0'],
      [-1, '-1'],
      [Number.NaN, 'NaN'],
      [Number.POSITIVE_INFINITY, 'Infinity'],
      ['1s', "'1s'"],
    ],
  ],
  ['rateLimit', { rate: 1 }, 'spread', switched, [[1, '1']]],
  [
    'fallback',
    {},
    'alternatives',
    namesAndFunctions,
    [
      ['other', "'other'"],
      [['other', null], "[ 'other', null ]"],
      [[{}], '[ {} ]'],
      [[Number.NaN], '[ NaN ]'],
      [['other', class Cache {}], "[ 'other', [class Cache] ]"],
    ],
  ],
  ['fallback', { alternatives: ['other'] }, 'on', matcher, [['Error', "'Error'"]]],
  ...(['attempt', 'total'] as const).map((option): (typeof wrong)[number] => [
    'timeout',
    {},
    option,
    span,
    [
      [0, '0'],
      [-1, '-1'],
      [Number.NaN, 'NaN'],
      [Number.POSITIVE_INFINITY, 'Infinity'],
      ['5', "'5'"],
      [null, 'null'],
      [() => 5, 'a function'],
    ],
  ]),
  ['timeout', { attempt: 5 }, 'onTimeout', func, [[true, 'true']]],
];

const known = {
  retry:
    'maxAttempts, waitMin, waitMax, waitMultiplier, jitter, delay, budget, retryOn, abortOn, retryResult, maxElapsed, rethrow, onRetry',
  concurrency: 'limit, maxQueue, maxWait, key, scope, weight, priority, priorityAging, store, name, onLost',
  rateLimit:
    'rate, per, spread, maxQueue, maxWait, key, scope, weight, priority, priorityAging, weightResult, pauseFor, pauseMax, store, name',
  fallback: 'alternatives, value, on, rotate',
  timeout: 'attempt, total, onTimeout',
} as const;

describe('a wrong option fails at decoration', () => {
  for (const [name, required, option, allowed, values] of wrong) {
    for (const [value, shown] of values) {
      test(`${name}: ${option}: ${shown}`, () => {
        const given = { ...required, [option]: value };
        fails(
          () => decorate(name, given),
          `@${name} on method \`load\`: expected \`${option}\` to be ${allowed}, got ${shown}`,
        );
        fails(
          () => decorate('orchestrate', { [name]: given }),
          `@orchestrate on method \`load\`: expected \`${name}.${option}\` to be ${allowed}, got ${shown}`,
        );
        fails(
          () => new Orchestrator({ [name]: given }),
          `Orchestrator: expected \`${name}.${option}\` to be ${allowed}, got ${shown}`,
        );
      });
    }
  }

  for (const [name, list] of Object.entries(known)) {
    test(`${name}: an unknown option`, () => {
      fails(
        () => decorate(name as Name, { timeout: 5 }),
        `@${name} on method \`load\`: unknown option \`timeout\` (5); known options are ${list}`,
      );
      fails(
        () => decorate('orchestrate', { [name]: { timeout: 5 } }),
        `@orchestrate on method \`load\`: unknown option \`${name}.timeout\` (5); known options are ${list}`,
      );
    });
  }

  test('an unknown option that is named by a symbol; one that is not enumerable is none', () => {
    const given = { [Symbol('zz')]: 3 };
    const unknown = (path: string): string => `unknown option \`${path}Symbol(zz)\` (3); known options are`;
    for (const [name, list] of Object.entries(known)) {
      fails(() => decorate(name as Name, given), `@${name} on method \`load\`: ${unknown('')} ${list}`);
      fails(
        () => decorate('orchestrate', { [name]: given }),
        `@orchestrate on method \`load\`: ${unknown(`${name}.`)} ${list}`,
      );
    }
    assert.throws(() => decorate('orchestrate', given), { message: /unknown option `Symbol\(zz\)` \(3\)/ });
    decorate('retry', Object.defineProperty({}, Symbol('hidden'), { value: 1 }));
    decorate('retry', Object.assign(Object.create({ timeout: 5 }), { maxAttempts: 2 }));
  });

  test('orchestrate: an unknown policy, and inherit', () => {
    assert.throws(
      () => decorate('orchestrate', { nothing: 5 }),
      (error: Error) => {
        const [problem, known = ''] = error.message.split(/; known options are |; a policy of your own /);
        assert.equal(problem, '@orchestrate on method `load`: unknown option `nothing` (5)');
        assert.deepEqual(known.split(', ').sort(), [...kinds, 'signalAt', 'inherit'].sort());
        return error instanceof ConfigurationError;
      },
    );
    fails(
      () => decorate('orchestrate', { inherit: 'no' }),
      "@orchestrate on method `load`: expected `inherit` to be true or false, got 'no'",
    );
  });

  test('a name that objects have anyway is no option', () => {
    fails(
      () => decorate('retry', { constructor: 1 }),
      `@retry on method \`load\`: unknown option \`constructor\` (1); known options are ${known.retry}`,
    );
    assert.throws(() => decorate('orchestrate', { toString: 1 }), ConfigurationError);
  });

  test('a shorthand is checked like its option', () => {
    const shorthands = [
      ['retry', 'maxAttempts', countOrInfinity],
      ['rateLimit', 'rate', factor],
      ['concurrency', 'limit', slots],
      ['timeout', 'attempt', span],
    ] as const;
    for (const [name, option, allowed] of shorthands) {
      for (const [value, shown] of [
        [0, '0'],
        [-1, '-1'],
        [Number.NaN, 'NaN'],
        ['3', "'3'"],
      ]) {
        fails(
          () => decorate(name, value),
          `@${name} on method \`load\`: expected \`${option}\` to be ${allowed}, got ${shown}`,
        );
        fails(
          () => decorate('orchestrate', { [name]: value }),
          `@orchestrate on method \`load\`: expected \`${name}.${option}\` to be ${allowed}, got ${shown}`,
        );
      }
    }
  });

  test('true or false in place of options', () => {
    const audit = 'auditByFlag';
    definePolicy({ kind: audit, stage: 'call', around: (next) => next() });
    const taken = {
      retry: 'a number of attempts, or the options of @retry',
      fallback: 'an array of alternatives, or the options of @fallback',
      timeout: 'a number of milliseconds, or the options of @timeout',
      circuitBreaker: 'a number of failures in a row, or the options of @circuitBreaker',
      rateLimit: 'a number of starts, or the options of @rateLimit',
      concurrency: 'a number of slots, or the options of @concurrency',
      cpuBound: 'a module, or the options of @cpuBound',
      hedge: 'a number of milliseconds, or the options of @hedge',
      cache: 'a number of milliseconds, or the options of @cache',
      [audit]: `the options of @${audit}`,
    };
    for (const [name, allowed] of Object.entries(taken)) {
      const at = `@orchestrate on method \`load\`: expected \`${name}\` to be ${allowed}`;
      // Where all options have defaults, true stands for these.
      if (['retry', 'circuitBreaker', audit].includes(name)) decorate('orchestrate', { [name]: true });
      else fails(() => decorate('orchestrate', { [name]: true }), `${at}, got true`);
      fails(() => decorate('orchestrate', { [name]: false }), `${at}, got false; for none, leave it out`);
    }
  });

  test('options that are no object', () => {
    for (const name of ['retry', 'rateLimit', 'concurrency', 'timeout'] as const) {
      for (const [value, shown] of [
        [null, 'null'],
        [[], '[]'],
      ]) {
        const isStack = (name === 'rateLimit' || name === 'concurrency') && shown === '[]';
        const problem = isStack
          ? 'at least one limit, got an empty array'
          : `the options to be an object, got ${shown}`;
        fails(() => decorate(name, value), `@${name} on method \`load\`: expected ${problem}`);
      }
    }
    for (const [value, shown] of [
      [null, 'null'],
      [[], '[]'],
      [3, '3'],
      ['3', "'3'"],
    ]) {
      fails(
        () => decorate('orchestrate', value),
        `@orchestrate on method \`load\`: expected the options to be an object, got ${shown}`,
      );
    }
    fails(() => new Orchestrator(3 as never), 'Orchestrator: expected the options to be an object, got 3');
    fails(
      () => decorate('orchestrate', { fallback: 'other' }),
      "@orchestrate on method `load`: expected `fallback` to be an array of alternatives, or the options of @fallback, got 'other'",
    );
  });

  test('a required option that is missing', () => {
    for (const given of [undefined, {}, { onTimeout: () => {} }]) {
      fails(
        () => decorate('timeout', given),
        `@timeout on method \`load\`: expected \`attempt\` to be ${span}, as there is no \`total\`, got undefined`,
      );
    }
    fails(
      () => decorate('rateLimit'),
      `@rateLimit on method \`load\`: expected \`rate\` to be ${factor}, got undefined`,
    );
    fails(
      () => decorate('concurrency'),
      `@concurrency on method \`load\`: expected \`limit\` to be ${slots}, got undefined`,
    );
    fails(
      () => decorate('rateLimit', { per: 5 }),
      `@rateLimit on method \`load\`: expected \`rate\` to be ${factor}, got undefined`,
    );
    fails(
      () => decorate('orchestrate', { concurrency: { maxQueue: 5 } }),
      `@orchestrate on method \`load\`: expected \`concurrency.limit\` to be ${slots}, got undefined`,
    );
  });

  test('a second argument, which would be lost', () => {
    for (const name of ['retry', 'rateLimit', 'concurrency', 'orchestrate'] as const) {
      const first = name === 'orchestrate' ? {} : 3;
      for (const [second, shown] of [
        [{ waitMin: 1 }, '{ waitMin: 1 }'],
        [null, 'null'],
      ]) {
        fails(
          () => decorate(name, first, second),
          `@${name} on method \`load\`: expected one argument at the most, got ${shown} too`,
        );
      }
      decorate(name, first, undefined);
    }
    assert.throws(() => decorate('fallback', 'other', { on: Error }), ConfigurationError);
  });
});

test('a decorator of the old form without parentheses is handed a class alone, and says what to write', () => {
  class Shop {}
  for (const name of names) {
    const minified = new Function('return class{load(){}}')() as typeof Shop;
    for (const type of [Shop, class Sub extends Shop {}, class {}, minified]) {
      fails(
        () => factories[name](type),
        `@${name} on class \`${type.name || '(anonymous)'}\`: it takes no class as its argument; to decorate one, write @${name}(...), with parentheses`,
      );
    }
  }
});

test('a method by the name of class is a function like others', async () => {
  const table = {
    class(id: string): string {
      return `${id} of a table`;
    },
    class$(id: string): string {
      return `${id} of another`;
    },
  };
  class Shop {
    @fallback(table.class)
    async load(id: string): Promise<string> {
      throw new Error(id);
    }
    @fallback(table.class$)
    async save(id: string): Promise<string> {
      throw new Error(id);
    }
  }
  assert.equal(await new Shop().load('a'), 'a of a table');
  assert.equal(await new Shop().save('a'), 'a of another');
});

describe('what is allowed', () => {
  const optionsGiven = (name: Name, given: unknown): Record<string, unknown> => {
    class Shop {
      @(factories[name](given))
      async load(): Promise<void> {}
    }
    return policiesOf(Shop, 'load')[0].options;
  };

  test('0 for waitMin, waitMax, maxQueue and maxWait', () => {
    const { waitMin, waitMax } = optionsGiven('retry', { waitMin: 0, waitMax: 0 });
    assert.deepEqual([waitMin, waitMax], [0, 0]);
    for (const [name, given] of [
      ['concurrency', { limit: 1 }],
      ['rateLimit', { rate: 1 }],
    ] as const) {
      const { maxQueue, maxWait } = optionsGiven(name, { ...given, maxQueue: 0, maxWait: 0 });
      assert.deepEqual([maxQueue, maxWait], [0, 0], name);
    }
  });

  test('Infinity for maxAttempts, waitMax, maxElapsed, maxQueue and maxWait', () => {
    const all = Number.POSITIVE_INFINITY;
    const { maxAttempts, waitMax, maxElapsed } = optionsGiven('retry', {
      maxAttempts: all,
      waitMax: all,
      maxElapsed: all,
    });
    assert.deepEqual([maxAttempts, waitMax, maxElapsed], [all, all, all]);
    const { maxQueue, maxWait } = optionsGiven('concurrency', { limit: 1, maxQueue: all, maxWait: all });
    assert.deepEqual([maxQueue, maxWait], [all, all]);
  });

  test('fractions for rate and waitMultiplier', () => {
    assert.equal(optionsGiven('rateLimit', 0.5).rate, 0.5);
    assert.equal(optionsGiven('retry', { waitMultiplier: 1.5 }).waitMultiplier, 1.5);
  });

  test('undefined counts as not given', () => {
    const given = { maxAttempts: undefined, waitMin: undefined, retryOn: undefined };
    const { maxAttempts, waitMin } = optionsGiven('retry', given);
    assert.deepEqual([maxAttempts, waitMin], [3, 100]);
  });

  test('a fallback value of any kind, undefined included', () => {
    for (const value of [undefined, null, 0, '', false]) {
      assert.ok('value' in optionsGiven('fallback', { value }));
      assert.equal(optionsGiven('fallback', { value }).value, value);
    }
  });

  test('calls without arguments where all options have defaults', () => {
    assert.equal(optionsGiven('retry', undefined).maxAttempts, 3);
    class Shop {
      @retry()
      @orchestrate()
      async load(): Promise<void> {}
    }
    assert.equal(policiesOf(Shop, 'load').length, 1);
  });

  test('error classes of every sort in a matcher', () => {
    abstract class Abstract extends Error {}
    class NoError {}
    for (const retryOn of [Error, TypeError, Abstract, NoError, [Abstract, NoError], [], () => true]) {
      assert.deepEqual(optionsGiven('retry', { retryOn }).retryOn, retryOn);
    }
  });
});

describe('a fallback', () => {
  test('that is empty fails at decoration', () => {
    const allowed = 'an array of at least one method name or function, as there is no `value` and no `rotate`';
    for (const [given, shown] of [
      [[], '[]'],
      [[{}], 'undefined'],
      [[{ alternatives: [] }], '[]'],
      [[{ alternatives: undefined }], 'undefined'],
      [[{ on: Error }], 'undefined'],
    ] as const) {
      fails(
        () => decorate('fallback', ...given),
        `@fallback on method \`load\`: expected \`alternatives\` to be ${allowed}, got ${shown}`,
      );
    }
    for (const [given, shown] of [
      [[], '[]'],
      [{}, 'undefined'],
    ] as const) {
      fails(
        () => decorate('orchestrate', { fallback: given }),
        `@orchestrate on method \`load\`: expected \`fallback.alternatives\` to be ${allowed}, got ${shown}`,
      );
    }
  });

  test('on itself fails at decoration', () => {
    const others = 'functions and names of other methods';
    fails(
      () => decorate('fallback', 'load'),
      `@fallback on method \`load\`: expected \`alternatives\` to be ${others}, got 'load'`,
    );
    fails(
      () => decorate('orchestrate', { fallback: ['other', 'load'] }),
      `@orchestrate on method \`load\`: expected \`fallback.alternatives\` to be ${others}, got 'load'`,
    );
    const name = Symbol('load');
    fails(() => {
      class Shop {
        @factories.fallback(name)
        async [name](): Promise<void> {}
        @factories.fallback(7)
        async 7(): Promise<void> {}
      }
      return Shop;
    }, `@fallback on method \`Symbol(load)\`: expected \`alternatives\` to be ${others}, got Symbol(load)`);
    fails(() => {
      class Shop {
        @factories.fallback(7)
        async 7(): Promise<void> {}
      }
      return Shop;
    }, `@fallback on method \`7\`: expected \`alternatives\` to be ${others}, got '7'`);
  });

  const wrongName = (label: string, problem: string): string =>
    `@fallback on ${label}: ${problem}; name a method of the class, or give a function`;
  const missing = (label: string, shown: string): string =>
    wrongName(label, `no method ${shown} here (a field that holds a function is set too late to count)`);

  test('on a method that the instance lacks fails at construction, not before', () => {
    class Shop {
      @factories.fallback('cached')
      async load(): Promise<void> {}
    }
    class Sub extends Shop {}
    class Whole extends Shop {
      async cached(): Promise<void> {}
    }
    fails(() => new Shop(), missing('Shop.load', "'cached'"));
    fails(() => new Shop(), missing('Shop.load', "'cached'"));
    fails(() => new Sub(), missing('Sub.load', "'cached'"));
    assert.ok(new Whole());
  });

  test('on a member that is no method says what it is', () => {
    class Shop {
      get getter(): () => void {
        return () => {};
      }
      set setter(_value: () => void) {}
      get both(): () => void {
        return () => {};
      }
      set both(_value: () => void) {}
      accessor auto = (): void => {};
      field = (): void => {};
      *generator(): Generator<number> {}
      async *feed(): AsyncGenerator<number> {}
      static open(): void {}
      static call(): void {}
      async #secret(): Promise<void> {}
      secret(): Promise<void> {
        return this.#secret();
      }
    }
    Object.assign(Shop.prototype, { size: 5, nothing: undefined });
    for (const [name, problem] of [
      ['getter', "'getter' is a getter, not a method"],
      ['setter', "'setter' is a setter, not a method"],
      ['both', "'both' is an accessor, not a method"],
      ['auto', "'auto' is an accessor, not a method"],
      ['size', "'size' is 5, not a method"],
      ['nothing', "'nothing' is undefined, not a method"],
      ['generator', "'generator' is a generator method"],
      ['feed', "'feed' is a generator method"],
      ['constructor', "'constructor' is a class, not a method"],
      ['open', "'open' is a static method, not one of instances"],
      ['call', "'call' is a static method, not one of instances"],
      ['#secret', "'#secret' cannot be named, as no #private method can"],
    ] as const) {
      class Sub extends Shop {
        @factories.fallback(name)
        async load(): Promise<void> {}
      }
      fails(() => new Sub(), wrongName('Sub.load', problem));
    }
    for (const name of ['field', 'bind', 'name', 'prototype']) {
      class Sub extends Shop {
        @factories.fallback(name)
        async load(): Promise<void> {}
      }
      fails(() => new Sub(), missing('Sub.load', `'${name}'`));
    }
  });

  test('on a symbol, or from a private method or a class, fails so too', () => {
    class Named {
      @factories.fallback(Symbol('cached'))
      async load(): Promise<void> {}
    }
    fails(() => new Named(), missing('Named.load', 'Symbol(cached)'));
    class Private {
      @factories.fallback('cached')
      async #load(): Promise<void> {}
      load(): Promise<void> {
        return this.#load();
      }
    }
    fails(() => new Private(), missing('Private.#load', "'cached'"));
    @(factories.fallback('cached') as unknown as <T>(type: T) => T)
    class Whole {
      async load(): Promise<void> {}
    }
    fails(() => new Whole(), missing('Whole.load', "'cached'"));
  });

  test('of a static method on one that the class lacks fails when the class is defined', () => {
    fails(
      () => {
        class Shop {
          readonly size = 1;
          @factories.fallback('cached')
          static async load(): Promise<void> {}
        }
        return Shop;
      },
      missing('Shop.load', "'cached'"),
    );
    class Shopping {}
    class Base {
      static get getter(): () => void {
        return () => {};
      }
      static readonly size = 5;
      static readonly Other = Shopping;
      static *generator(): Generator<number> {}
      async cached(): Promise<void> {}
      get size(): number {
        return 5;
      }
    }
    for (const [name, problem] of [
      ['getter', "'getter' is a getter, not a method"],
      ['size', "'size' is 5, not a method"],
      ['generator', "'generator' is a generator method"],
      ['Other', "'Other' is a class, not a method"],
      ['cached', "'cached' is a method of instances, not a static one"],
      ['#secret', "'#secret' cannot be named, as no #private method can"],
    ] as const) {
      fails(
        () => {
          class Shop extends Base {
            @factories.fallback(name)
            static async load(): Promise<void> {}
          }
          return Shop;
        },
        wrongName('Shop.load', problem),
      );
    }
  });

  test('may be a static method from a static one, and a method that a base has', () => {
    class Base {
      static async cached(): Promise<void> {}
      async cached(): Promise<void> {}
    }
    class Shop extends Base {
      @fallback('cached')
      async load(): Promise<void> {}
      @factories.fallback('cached')
      static async load(): Promise<void> {}
    }
    assert.ok(new Shop());
  });

  test('without a class takes functions only', () => {
    const message = "functions, as there is no class to look names up in, got 'cached'";
    fails(
      () => new Orchestrator({ fallback: ['cached' as never] }),
      `Orchestrator: expected \`fallback.alternatives\` to be ${message}`,
    );
    fails(
      () => new FallbackChain(() => 1, ['cached' as never]),
      `FallbackChain: expected \`alternatives\` to be ${message}`,
    );
  });

  test('may be no generator function, which does nothing when it is called', () => {
    function* numbers(): Generator<number> {}
    const expected = 'functions whose code runs when they are called';
    for (const given of [[numbers], ['other', numbers]]) {
      fails(
        () => decorate('fallback', ...given),
        `@fallback on method \`load\`: expected \`alternatives\` to be method names and ${expected}, ` +
          'got the generator function numbers',
      );
    }
    fails(
      () => decorate('orchestrate', { fallback: { alternatives: [async function* () {}] } }),
      `@orchestrate on method \`load\`: expected \`fallback.alternatives\` to be method names and ${expected}, ` +
        'got a generator function',
    );
    fails(
      () => new Orchestrator({ fallback: [numbers as never] }),
      `Orchestrator: expected \`fallback.alternatives\` to be ${expected}, got the generator function numbers`,
    );
    fails(
      () => new FallbackChain(() => numbers(), [numbers]),
      `FallbackChain: expected \`alternatives\` to be ${expected}, got the generator function numbers`,
    );
  });

  test('chain needs a function and at least one alternative', () => {
    fails(() => new FallbackChain(3 as never, [() => 1]), 'FallbackChain: expected a function, got 3');
    const expected = 'FallbackChain: expected `alternatives` to be an array of at least one function';
    fails(() => new FallbackChain(() => 1, []), `${expected}, got []`);
    fails(() => new FallbackChain(() => 1, undefined as never), `${expected}, got undefined`);
    fails(() => new FallbackChain(() => 1, (() => 1) as never), `${expected}, got a function`);
  });
});

describe('cpuBound', () => {
  const module = import.meta.url;
  const at = '@cpuBound on method `load`: expected';

  /** The options as they stand when a method is decorated with these. */
  const optionsOf = (...given: readonly unknown[]): Record<string, unknown> => {
    class Shop {
      @factories.cpuBound(...given)
      async load(): Promise<void> {}
    }
    return policiesOf(Shop, 'load')[0].options;
  };

  const sizes =
    'an object of positive numbers, of maxOldGenerationSizeMb, maxYoungGenerationSizeMb, codeRangeSizeMb, stackSizeMb';
  const wrongOnes: readonly [string, string, readonly [unknown, string][]][] = [
    [
      'maxWorkers',
      count,
      [
        [0, '0'],
        [1.5, '1.5'],
        [Number.POSITIVE_INFINITY, 'Infinity'],
        ['2', "'2'"],
      ],
    ],
    [
      'minWorkers',
      'an integer of at least 0',
      [
        [-1, '-1'],
        [0.5, '0.5'],
        ['0', "'0'"],
      ],
    ],
    [
      'idleTimeout',
      waitOrInfinity,
      [
        [-1, '-1'],
        [Number.NaN, 'NaN'],
      ],
    ],
    [
      'runtime',
      "'worker_threads' or 'child_process'",
      [
        ['thread', "'thread'"],
        [1, '1'],
      ],
    ],
    [
      'maxQueue',
      queue,
      [
        [-1, '-1'],
        [0.5, '0.5'],
      ],
    ],
    [
      'resourceLimits',
      sizes,
      [
        [null, 'null'],
        [64, '64'],
        [{ heapMb: 64 }, '{ heapMb: 64 }'],
        [{ stackSizeMb: 4, heapMb: 64 }, '{ stackSizeMb: 4, heapMb: 64 }'],
        [{ stackSizeMb: 0 }, '{ stackSizeMb: 0 }'],
        [{ stackSizeMb: '4' }, "{ stackSizeMb: '4' }"],
        [{ stackSizeMb: Number.POSITIVE_INFINITY }, '{ stackSizeMb: Infinity }'],
      ],
    ],
    [
      'state',
      'an array of field names (#private fields cannot travel)',
      [
        ['grid', "'grid'"],
        [['grid', 1], "[ 'grid', 1 ]"],
        [{ length: 0 }, '{ length: 0 }'],
        [['grid', '#help'], "[ 'grid', '#help' ]"],
      ],
    ],
    [
      'errors',
      'an array of error classes',
      [
        [Error, 'the function Error'],
        [[TypeError, 5], '[ [Function: TypeError], 5 ]'],
        [[() => true], '[ [Function (anonymous)] ]'],
      ],
    ],
  ];
  for (const [option, allowed, values] of wrongOnes) {
    for (const [value, shown] of values) {
      test(`refuses ${option}: ${shown}`, () => {
        const given = { [option]: value };
        fails(() => decorate('cpuBound', module, given), `${at} \`${option}\` to be ${allowed}, got ${shown}`);
        fails(
          () => decorate('orchestrate', { cpuBound: { module, ...given } }),
          `@orchestrate on method \`load\`: expected \`cpuBound.${option}\` to be ${allowed}, got ${shown}`,
        );
      });
    }
  }

  test('refuses a module that is neither a URL of something here nor an absolute path', () => {
    const allowed = 'import.meta.url, a file: or data: URL, or an absolute path';
    for (const [value, shown] of [
      [undefined, 'undefined'],
      [7, '7'],
      ['', "''"],
      ['./shop.js', "'./shop.js'"],
      ['https://example.com/shop.js', "'https://example.com/shop.js'"],
      ['https://example.com/file:shop.js', "'https://example.com/file:shop.js'"],
      ['node:fs', "'node:fs'"],
    ]) {
      fails(() => decorate('cpuBound', value), `${at} \`module\` to be ${allowed}, got ${shown}`);
      if (value === undefined) continue;
      fails(
        () => decorate('orchestrate', { cpuBound: value }),
        `@orchestrate on method \`load\`: expected \`cpuBound.module\` to be ${allowed}, got ${shown}`,
      );
    }
    fails(
      () => decorate('orchestrate', { cpuBound: null }),
      `@orchestrate on method \`load\`: expected \`cpuBound.module\` to be ${allowed}, got null`,
    );
    fails(
      () => decorate('orchestrate', { cpuBound: {} }),
      `@orchestrate on method \`load\`: expected \`cpuBound.module\` to be ${allowed}, got undefined`,
    );
  });

  test('takes a module as import.meta.url, as a URL and as an absolute path, and shows its URL', () => {
    for (const given of [module, new URL(module), fileURLToPath(module)]) {
      assert.equal(optionsOf(given).module, module);
      class Shop {
        @factories.orchestrate({ cpuBound: given })
        async load(): Promise<void> {}
      }
      assert.equal(policiesOf(Shop, 'load')[0].options.module, module);
    }
  });

  test('refuses more minWorkers than maxWorkers', () => {
    fails(
      () => decorate('cpuBound', module, { maxWorkers: 2, minWorkers: 3 }),
      `${at} \`minWorkers\` to be at most maxWorkers (2), got 3`,
    );
    for (const minWorkers of [0, 2])
      assert.equal(optionsOf(module, { maxWorkers: 2, minWorkers }).minWorkers, minWorkers);
  });

  test('refuses limits of threads for processes', () => {
    const given = { runtime: 'child_process', resourceLimits: { stackSizeMb: 4 } };
    fails(
      () => decorate('cpuBound', module, given),
      `${at} \`resourceLimits\` to be left out with the runtime 'child_process', got { stackSizeMb: 4 }`,
    );
  });

  test('refuses state for functions', () => {
    fails(
      () => new Orchestrator({ cpuBound: { module, state: ['grid'] } }),
      "Orchestrator: expected `cpuBound.state` to be left out: functions have no `this` in a worker, got [ 'grid' ]",
    );
    assert.ok(new Orchestrator({ cpuBound: { module, state: [] } }));
  });

  test('refuses options that are no object, an unknown one, and the module among them', () => {
    for (const given of [null, 3, 'two']) {
      fails(() => decorate('cpuBound', module, given), `${at} the options to be an object, got ${inspect(given)}`);
    }
    fails(
      () => decorate('cpuBound', module, { workers: 2 }),
      '@cpuBound on method `load`: unknown option `workers` (2); known options are ' +
        'module, maxWorkers, minWorkers, idleTimeout, runtime, maxQueue, resourceLimits, state, errors',
    );
    fails(
      () => decorate('cpuBound', module, { module }),
      '@cpuBound on method `load`: the module is the first argument, not an option',
    );
    fails(() => decorate('cpuBound', module, {}, 3), `${at} 2 arguments at the most, got 3 too`);
  });

  test('that no call has used yet leaves shutdown() nothing to end', async () => {
    decorate('cpuBound', module);
    assert.equal(await shutdown(), undefined);
  });

  test('fills in its defaults', () => {
    assert.deepEqual(optionsOf(module), {
      module,
      maxWorkers: availableParallelism(),
      minWorkers: 0,
      idleTimeout: 30_000,
      runtime: 'worker_threads',
      maxQueue: Number.POSITIVE_INFINITY,
      state: [],
      errors: [],
    });
  });

  test('takes every option that it knows, and keeps frozen copies of them', () => {
    abstract class Abstract extends Error {}
    const given = {
      maxWorkers: 4,
      minWorkers: 1,
      idleTimeout: Number.POSITIVE_INFINITY,
      runtime: 'worker_threads',
      maxQueue: 0,
      resourceLimits: {
        maxOldGenerationSizeMb: 64,
        maxYoungGenerationSizeMb: 16,
        codeRangeSizeMb: 8,
        stackSizeMb: 0.5,
      },
      state: ['grid', 'size'],
      errors: [TypeError, Abstract],
    };
    const expected = structuredClone({ ...given, errors: [] });
    const options = optionsOf(module, given);
    assert.deepEqual(options, { module, ...given });
    given.resourceLimits.stackSizeMb = 4;
    given.state.pop();
    assert.deepEqual({ ...options, errors: [] }, { module, ...expected });
    for (const each of [options, options.resourceLimits, options.state, options.errors]) {
      assert.ok(Object.isFrozen(each));
    }
  });
});

describe('the same policy twice on one member fails', () => {
  const twice = (kind: string) => `it has a ${kind} policy already; give each kind once`;

  test('by two decorators', () => {
    for (const name of kinds) {
      const option = samples[name];
      fails(
        () => {
          class Shop {
            @(factories[name](option))
            @(factories[name](option))
            async load(): Promise<void> {}
          }
          return Shop;
        },
        `@${name} on method \`load\`: ${twice(name)}`,
      );
    }
  });

  test('by a decorator and orchestrate, in either order, with a foreign decorator between too', () => {
    const foreign = (_method: unknown, _context: unknown): void => {};
    fails(
      () => {
        class Shop {
          @retry(2)
          @foreign
          @orchestrate({ retry: 2 })
          async load(): Promise<void> {}
        }
        return Shop;
      },
      `@retry on method \`load\`: ${twice('retry')}`,
    );
    fails(
      () => {
        class Shop {
          readonly size = 1;
          @orchestrate({ concurrency: 2, retry: 2 })
          @retry(2)
          static async load(): Promise<void> {}
        }
        return Shop;
      },
      `@orchestrate on static method \`load\`: ${twice('retry')}`,
    );
  });

  test('on a private method, and on a class', () => {
    fails(
      () => {
        class Shop {
          @retry(2)
          @retry(3)
          async #load(): Promise<void> {}
          load(): Promise<void> {
            return this.#load();
          }
        }
        return Shop;
      },
      `@retry on method \`#load\`: ${twice('retry')}`,
    );
    fails(
      () => {
        @retry(2)
        @orchestrate({ retry: 3 })
        class Shop {}
        return Shop;
      },
      `@retry on class \`Shop\`: ${twice('retry')}`,
    );
  });

  test('but not on a method and its class, nor on members that only share a name', () => {
    @retry(2)
    class Shop {
      @retry(2)
      async load(): Promise<void> {}
      @retry(2)
      static async load(): Promise<void> {}
      @retry(2)
      async #load(): Promise<void> {}
      other(): Promise<void> {
        return this.#load();
      }
    }
    assert.ok(new Shop());
  });
});

describe('a decorator on anything but a method or a class fails', () => {
  const at = (kind: string, article = 'a') =>
    `expected a method or a class, got ${article} ${kind}; policies go on methods`;

  /** The decorators as JavaScript lets them stand anywhere. */
  const anywhere = (name: Name): ((value: unknown, context: unknown) => never) =>
    factories[name](name === 'orchestrate' ? undefined : samples[name]);

  for (const name of names) {
    test(`@${name} on a getter, setter, field or accessor`, () => {
      fails(
        () => {
          class Shop {
            @anywhere(name)
            get load(): number {
              return 1;
            }
          }
          return Shop;
        },
        `@${name} on getter \`load\`: ${at('getter')}`,
      );
      fails(
        () => {
          class Shop {
            @anywhere(name)
            set load(_value: number) {}
          }
          return Shop;
        },
        `@${name} on setter \`load\`: ${at('setter')}`,
      );
      fails(
        () => {
          class Shop {
            @anywhere(name)
            load = async () => {};
          }
          return Shop;
        },
        `@${name} on field \`load\`: ${at('field')}`,
      );
      fails(
        () => {
          class Shop {
            @anywhere(name)
            accessor load = 1;
          }
          return Shop;
        },
        `@${name} on accessor \`load\`: ${at('accessor', 'an')}`,
      );
      fails(
        () => {
          class Shop {
            readonly size = 1;
            @anywhere(name)
            static get load(): number {
              return 1;
            }
          }
          return Shop;
        },
        `@${name} on static getter \`load\`: ${at('getter')}`,
      );
    });
  }

  test('on a generator or async generator', () => {
    const message = '@retry on method `load`: expected a method that returns a promise, got a generator';
    fails(() => {
      class Shop {
        @anywhere('retry')
        *load(): Generator<number> {}
      }
      return Shop;
    }, message);
    fails(() => {
      class Shop {
        @anywhere('retry')
        async *load(): AsyncGenerator<number> {}
      }
      return Shop;
    }, message);
  });
});

describe('an option that is called takes no generator function', () => {
  function* numbers(): Generator<number> {}
  const got = 'got the generator function numbers';
  for (const [name, given, option, allowed] of [
    ['retry', {}, 'onRetry', func],
    ['retry', {}, 'retryResult', func],
    ['retry', {}, 'retryOn', matcher],
    ['fallback', { value: 1 }, 'on', matcher],
    ['rateLimit', { rate: 1 }, 'key', func],
    ['concurrency', { limit: 1 }, 'key', func],
  ] as const) {
    test(`\`${option}\` of @${name}`, () => {
      fails(
        () => decorate(name, { ...given, [option]: numbers }),
        `@${name} on method \`load\`: expected \`${option}\` to be ${allowed}, ${got}`,
      );
    });
  }
});

describe('the message names the member', () => {
  const wrongAttempts = 'expected `maxAttempts` to be an integer of at least 1 or Infinity, got 0';

  test('a static, private, symbol or numeric one', () => {
    fails(() => {
      class Shop {
        readonly size = 1;
        @retry(0)
        static async load(): Promise<void> {}
      }
      return Shop;
    }, `@retry on static method \`load\`: ${wrongAttempts}`);
    fails(() => {
      class Shop {
        @retry(0)
        async #load(): Promise<void> {}
        load(): Promise<void> {
          return this.#load();
        }
      }
      return Shop;
    }, `@retry on method \`#load\`: ${wrongAttempts}`);
    fails(() => {
      class Shop {
        @retry(0)
        async [Symbol('load')](): Promise<void> {}
      }
      return Shop;
    }, `@retry on method \`Symbol(load)\`: ${wrongAttempts}`);
    fails(() => {
      class Shop {
        @retry(0)
        async 42(): Promise<void> {}
      }
      return Shop;
    }, `@retry on method \`42\`: ${wrongAttempts}`);
  });

  test('a class, an anonymous one too', () => {
    fails(() => {
      @retry(0)
      class Shop {}
      return Shop;
    }, `@retry on class \`Shop\`: ${wrongAttempts}`);
    fails(
      () => [
        @retry(0)
        class {},
      ],
      `@retry on class \`(anonymous)\`: ${wrongAttempts}`,
    );
    // As compilers have it that give such a class no name at all.
    fails(
      () => factories.retry(0)(class {}, { kind: 'class', name: undefined, metadata: {} }),
      `@retry on class \`(anonymous)\`: ${wrongAttempts}`,
    );
  });

  test('and shows long values and functions in short', () => {
    assert.throws(() => decorate('retry', 'x'.repeat(10_000)), {
      name: 'ConfigurationError',
      message:
        /^@retry on method `load`: expected `maxAttempts` to be an integer of at least 1 or Infinity, got 'x{20,75}.{0,30}\.\.\.$/,
    });
    fails(
      () => decorate('retry', { jitter: function half() {} }),
      "@retry on method `load`: expected `jitter` to be 'full' or 'none' or 'equal' or 'decorrelated', got the function half",
    );
    const jitter =
      "@retry on method `load`: expected `jitter` to be 'full' or 'none' or 'equal' or 'decorrelated', got";
    fails(() => decorate('retry', { jitter: { deep: { deeper: 1 } } }), `${jitter} { deep: [Object] }`);
    // On one line, whatever the value makes of itself.
    const lines = new (class extends Map {
      [inspect.custom](): string {
        return 'one\n  two';
      }
    })();
    fails(() => decorate('retry', { jitter: lines }), `${jitter} one two`);
    const hostile = {
      [inspect.custom](): never {
        throw new Error('not me');
      },
    };
    fails(() => decorate('retry', { jitter: hostile }), `${jitter} what cannot be shown`);
    const { proxy, revoke } = Proxy.revocable(() => {}, {});
    revoke();
    fails(() => decorate('retry', { jitter: proxy }), `${jitter} what cannot be shown`);
    const unnamed = Object.defineProperty(() => {}, 'name', { value: Symbol('name') });
    fails(() => decorate('retry', { jitter: unnamed }), `${jitter} a function`);
    // 80 characters are not too many.
    const symbol = (length: number): symbol => Symbol('x'.repeat(length - 'Symbol()'.length));
    fails(() => decorate('retry', { jitter: symbol(80) }), `${jitter} ${String(symbol(80))}`);
    fails(() => decorate('retry', { jitter: symbol(81) }), `${jitter} ${String(symbol(81)).slice(0, 77)}...`);
  });
});

describe('a decorator without its parentheses', () => {
  const asDecorator = (name: Name) => factories[name] as unknown as (value: unknown, context: unknown) => never;

  for (const name of names) {
    test(`@${name} says how to write it, on a method and on a class`, () => {
      fails(() => {
        class Shop {
          @asDecorator(name)
          async load(): Promise<void> {}
        }
        return Shop;
      }, `@${name} on method \`load\`: write @${name}(...), with parentheses`);
      fails(() => {
        @asDecorator(name)
        class Shop {}
        return Shop;
      }, `@${name} on class \`Shop\`: write @${name}(...), with parentheses`);
    });
  }
});

describe('a decorator', () => {
  test('is not taken for one without parentheses where a function, a name and options are given to fallback', () => {
    fails(
      () => decorate('fallback', () => 1, 'cached', { value: 1 }),
      '@fallback on method `load`: expected method names and functions, got { value: 1 }; ' +
        'with options, give the names as `alternatives` among them',
    );
  });

  test('nor where a function and a name, or names, are given to it', () => {
    decorate('fallback', () => 1, 'other');
    fails(
      () => decorate('fallback', 'other', 'third', undefined),
      `@fallback on method \`load\`: expected \`alternatives\` to be ${namesAndFunctions}, got [ 'other', 'third', undefined ]`,
    );
  });
});

describe('what holds no options by their names is refused as options', () => {
  class Waits {
    get waitMin(): number {
      return 5;
    }
  }
  const given: readonly unknown[] = [
    Promise.resolve({ maxAttempts: 5 }),
    new Map([['maxAttempts', 5]]),
    new Waits(),
    new Error('none'),
    Object.create({ maxAttempts: 5 }),
  ];
  const refused = (run: () => unknown, value: unknown): void => {
    const pattern = /^.+: expected .+, got (?:Promise|Map|Waits|Error|\{\})/s;
    assert.throws(
      run,
      (error: Error) => error instanceof ConfigurationError && pattern.test(error.message),
      inspect(value),
    );
  };

  for (const name of names) {
    test(`by ${name}`, () => {
      for (const each of given) {
        refused(() => (name === 'cpuBound' ? decorate(name, import.meta.url, each) : decorate(name, each)), each);
      }
    });
  }

  test('by what takes options elsewhere', () => {
    class Shop {
      @retry()
      async load(): Promise<void> {}
    }
    const limiters = [new RateLimiter(1), new ConcurrencyLimiter(1), new CircuitBreaker(1)];
    for (const each of given) {
      const options = each as object;
      refused(() => new Orchestrator(options), each);
      refused(() => new Orchestrator({ retry: options }), each);
      refused(() => configure(Shop, 'load', options), each);
      refused(() => configure(Shop, 'load', { retry: options }), each);
      refused(() => decorateClass(class extends Shop {}, options), each);
      refused(() => decorateClass(class extends Shop {}, { load: options }), each);
      for (const limiter of limiters) refused(() => limiter.configure(options), each);
    }
  });

  test('by the `configure` of what methods share, nothing at all, null and an array', () => {
    for (const limiter of [new RateLimiter(1), new ConcurrencyLimiter(1), new CircuitBreaker(1)]) {
      for (const [each, shown] of [
        [undefined, 'undefined'],
        [null, 'null'],
        [[], '[]'],
      ] as const) {
        const text = `${limiter.constructor.name}.configure(): expected the options to be an object, got ${shown}`;
        fails(() => limiter.configure(each as never), text);
      }
    }
  });

  test('but an object of a class that holds some is taken, and one without a prototype', () => {
    class Options {
      readonly maxAttempts = 5;
    }
    decorate('retry', new Options());
    decorate('retry', Object.create(null));
    decorate('retry', Object.assign(Object.create(null), { maxAttempts: 5 }));
  });
});

describe('a message holds no passwords', () => {
  const messageOf = (options: object): string => {
    try {
      decorate('retry', options);
    } catch (error) {
      return String(error);
    }
    return 'nothing was thrown';
  };

  for (const [what, options] of Object.entries({
    'of a URL': { conection: 'redis://me:hush@localhost' },
    'of an object': { conection: { host: 'localhost', password: 'hush' } },
    'of an object, in other words': {
      conection: { 'api-key': `hush, hush ${'hush '.repeat(30)}`, apiToken: 'hu\'s "hush"' },
    },
    'that are an option themselves': { password: 'hush' },
  })) {
    test(what, () => {
      assert.match(
        messageOf(options),
        /^ConfigurationError: @retry on .+: unknown option `(conection|password)` \(.+\); known/,
      );
      assert.doesNotMatch(messageOf(options), /hush/);
    });
  }

  test('but what they are beside', () => {
    assert.match(messageOf({ conection: 'redis://me:hush@localhost/1' }), /'redis:\/\/\.\.\.@localhost\/1'/);
    assert.match(
      messageOf({ conection: { password: 'hush', port: 1, tokens: 5 } }),
      /\{ password: \.\.\., port: 1, tokens: 5 \}/,
    );
  });
});

test('a compiler that gives no metadata is named as the cause', () => {
  const context = { kind: 'method', name: 'load', static: false, private: false, metadata: undefined };
  fails(
    () => (retry() as unknown as (value: unknown, context: unknown) => void)(async () => {}, context),
    '@retry on method `load`: the compiler gives no decorator metadata; ' +
      'compile decorators in their 2023-11 form or later',
  );
});
