/** A policy of one's own: `@log` tells of every call, and is used as opero's own policies are. */
import { definePolicy, Orchestrator, oneOf, orchestrate, policiesOf, retry, statsOf } from 'opero';

const log = definePolicy({
  kind: 'log',
  stage: 'attempt', // around each attempt; 'call' is around all of them
  options: { detail: oneOf('brief', 'full') },
  defaults: { detail: 'brief' },
  stats: { failed: 0 },
  async around(next, { method, args, attempt, options, stats }) {
    const what = options.detail === 'full' ? `${method}(${args.join(', ')})` : method;
    try {
      const result = await next();
      console.log(`${what}, attempt ${attempt}: ${result}`);
      return result;
    } catch (error) {
      stats.failed++;
      console.log(`${what}, attempt ${attempt}: ${error}`);
      throw error;
    }
  },
});

// For the compiler to know the kind as a key of `@orchestrate` and `Orchestrator`.
declare module 'opero' {
  interface Policies {
    readonly log: Parameters<typeof log>[0];
  }
}

class Shop {
  #calls = 0;

  @log({ detail: 'full' })
  @retry({ maxAttempts: 2, waitMin: 5 })
  async buy(item: string): Promise<string> {
    if (++this.#calls === 1) throw new Error('closed');
    return `one ${item}`;
  }

  @orchestrate({ log: {}, concurrency: 1 })
  async stock(): Promise<number> {
    return 3;
  }
}

class Market extends Shop {
  override async stock(): Promise<number> {
    return 10 * (await super.stock());
  }
}

const shop = new Market();
await shop.buy('tea');
await shop.stock();
await new Orchestrator({ log: {} }).execute(async function price() {
  return 4;
});
console.log(policiesOf(Market, 'buy').map(({ kind }) => kind));
console.log('failed attempts:', statsOf(Market, 'buy').custom.log?.failed);
