// What must compile: limits with options that take different arguments of one method, shared ones, and stacks.
import {
  type ConcurrencyInput,
  ConcurrencyLimiter,
  concurrency,
  configure,
  configureFrom,
  Orchestrator,
  orchestrate,
  parseRetryAfter,
  RateLimiter,
  type RateLimitInput,
  type RateLimitUse,
  rateLimit,
} from 'opero';

const rates = new RateLimiter({ rate: 5, pauseFor: parseRetryAfter });
const slots = new ConcurrencyLimiter(5);
const forAll = new RateLimiter({
  rate: 5,
  key: (...[tenant]: [tenant: string]) => tenant,
  weight: (...[, prompt]: [tenant: string, prompt: string]) => prompt.length,
});

interface Answer {
  readonly tokens: number;
}

export class Model {
  readonly name = 'model';

  @rateLimit({
    rate: 5,
    key: (tenant: string) => tenant,
    weight: (_tenant: string, prompt: string) => prompt.length,
    priority: (_tenant: string, _prompt: string, isUrgent: boolean) => (isUrgent ? 1 : 0),
    weightResult: ({ tokens }: Answer) => tokens,
    pauseFor: (error) => parseRetryAfter(error as { headers: Headers }),
  })
  @concurrency({
    limit: 5,
    key: (tenant: string) => tenant,
    weight: (_tenant: string, prompt: string) => prompt.length,
    priority: (_tenant: string, _prompt: string, isUrgent: boolean) => Number(isUrgent),
  })
  async ask(_tenant: string, prompt: string, _isUrgent: boolean): Promise<Answer> {
    return { tokens: prompt.length };
  }

  @rateLimit({
    limiter: rates,
    key: (tenant: string) => tenant,
    weight: (_tenant: string, prompt: string) => prompt.length,
    weightResult(this: Model, { tokens }: Answer, { attempt }) {
      return this.name.length + tokens + attempt;
    },
  })
  @concurrency({ limiter: slots, priority: (_tenant: string, prompt: string) => prompt.length, maxWait: 5 })
  async shared(_tenant: string, prompt: string): Promise<Answer> {
    return { tokens: prompt.length };
  }

  @rateLimit([{ rate: 5, key: (tenant: string) => tenant }, 10, rates, { limiter: forAll, maxQueue: 5 }])
  @concurrency([slots, { limit: 5, weight: (tenant: string) => tenant.length }])
  async stacked(_tenant: string, _prompt: string): Promise<void> {}

  @orchestrate({
    rateLimit: [rates, { rate: 5, key: (tenant: string) => tenant }],
    concurrency: { limiter: slots, weight: (tenant: string) => tenant.length },
  })
  async orchestrated(_tenant: string): Promise<void> {}

  @rateLimit(rates)
  @concurrency(slots)
  static async open(): Promise<void> {}
}

@rateLimit([rates, 5])
@concurrency({ limiter: slots, maxWait: 50 })
export class Whole {
  async get(): Promise<void> {}
}

export const orchestrator = new Orchestrator({ rateLimit: [rates, 5], concurrency: slots });
export const inputs: (RateLimitInput | ConcurrencyInput)[] = [5, rates, slots, { limiter: slots }, { rate: 5 }];
export const use: RateLimitUse<[tenant: string]> = {
  limiter: rates,
  key: (tenant) => tenant,
  weight: (tenant) => tenant.length,
};

export function change(): void {
  configure(Model, 'stacked', { rateLimit: [{ rate: 5 }, {}, { maxWait: 5 }, 5], concurrency: [{ maxQueue: 5 }, 3] });
  configure(Model, 'shared', { concurrency: { maxWait: 5, priority: (tenant: string) => tenant.length } });
  configureFrom({ 'Model.stacked': { rateLimit: [5, 5, { maxQueue: 5 }, {}] } });
  using _ = rates.configure({ rate: 5 });
  slots.configure(7)();
  rates.pause(5);
  rates.resume();
  const known: number = rates.waiting + rates.used + rates.limit + slots.waiting + slots.used + slots.limit;
  void known;
}
