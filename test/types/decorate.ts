/** What must compile of decorate() and decorateInstance(). */
import {
  ConcurrencyLimiter,
  decorate,
  decorateInstance,
  type MethodPolicies,
  RateLimiter,
  rateLimit,
  retry,
} from 'opero';

/** Compiles when the two types are the same. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
const same = <A, B>(_is: Same<A, B>): void => {};

class Client {
  static readonly size: number = 1;
  static async connect(_host: string): Promise<boolean> {
    return true;
  }
  readonly url: string = '';
  #secret = 1;
  protected count = 0;
  handler?: (id: string) => Promise<void>;

  async get(id: number, _options?: { abortSignal?: AbortSignal }): Promise<string> {
    return `${id} ${this.#secret}`;
  }
  async cached(id: number): Promise<string> {
    return `${id}`;
  }
  sync(id: number): string {
    return `${id}`;
  }
  maybe(): number | Promise<number> {
    return this.count;
  }
  async echo<T>(value: T): Promise<T> {
    return value;
  }
  async [Symbol.asyncDispose](): Promise<void> {}
}

const shared = { starts: new RateLimiter(5), slots: new ConcurrencyLimiter(2) };

const Same: typeof Client = decorate(Client, {
  get: {
    retry: {
      maxAttempts: 3,
      onRetry({ args: [id, options], error }) {
        same<typeof id, number>(true);
        same<typeof options, { abortSignal?: AbortSignal } | undefined>(true);
        same<typeof error, unknown>(true);
        same<typeof this, Client>(true);
      },
      retryOn: (error, { args: [id] }) => error instanceof Error && id > 1,
      retryResult(value) {
        same<typeof value, string>(true);
        return value === this.url;
      },
    },
    timeout: {
      attempt: 1_000,
      onTimeout({ args: [id] }) {
        same<typeof id, number>(true);
        same<typeof this, Client>(true);
      },
    },
    circuitBreaker: { consecutive: 3, failResult: (value) => value.length > 3, key: (id) => `${id}` },
    rateLimit: [
      {
        rate: 5,
        key(id) {
          same<typeof id, number>(true);
          return this.url;
        },
      },
      10,
      shared.starts,
    ],
    concurrency: shared.slots,
    fallback: ['cached', 'sync', (id) => `${id}`],
    signalAt: { argument: 1, name: 'abortSignal' },
    inherit: false,
  },
  cached: {
    fallback: {
      alternatives: [
        function (id) {
          same<typeof id, number>(true);
          return this.url;
        },
      ],
      value: 'none',
      on: (_error, { args: [id] }) => id > 1,
    },
  },
  maybe: [retry(3), rateLimit({ rate: 5 })],
  echo: { retry: true, circuitBreaker: true, timeout: 5 },
  [Symbol.asyncDispose]: { timeout: 5 },
  'static connect': {
    retry: {
      onRetry({ args: [host] }) {
        same<typeof host, string>(true);
        same<typeof this, typeof Client>(true);
      },
    },
  },
  '*': {
    retry: {
      onRetry({ args }) {
        same<typeof args, readonly unknown[]>(true);
        same<typeof this, Client>(true);
      },
    },
    fallback: ['cached'],
    concurrency: 10,
  },
});
same<typeof Same, typeof Client>(true);

const one: Client = decorateInstance(new Client(), {
  get: { retry: { onRetry: ({ args: [id] }) => id.toFixed() } },
  '*': [retry(3)],
});
one satisfies Client;

export const policies: MethodPolicies<Client, Client['get']> = {
  retry: {
    onRetry({ args: [id] }) {
      same<typeof id, number>(true);
    },
  },
};

abstract class Abstract {
  protected constructor(readonly name: string) {}
  abstract load(): Promise<void>;
}
decorate(Abstract, { load: { retry: 3 } });

class Generic<T> {
  constructor(readonly value: T) {}
  async load(key: T): Promise<T> {
    return key;
  }
}
const Kept: typeof Generic = decorate(Generic, { load: { retry: 3 } });
new Kept(5).load(5) satisfies Promise<number>;
decorateInstance(new Generic('text'), { load: { retry: { retryResult: (value) => value === 'text' } } });
const plain = { async load(_id: number): Promise<void> {} };
decorateInstance(plain, { load: { rateLimit: { rate: 1, key: (id) => id.toFixed() } } });
