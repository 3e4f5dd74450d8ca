/** What must compile in both forms of decorators: a decorator as one of the old form. */
import {
  circuitBreaker,
  concurrency,
  cpuBound,
  definePolicy,
  fallback,
  orchestrate,
  type PolicyDecorator,
  rateLimit,
  retry,
  timeout,
} from 'opero';

const audit = definePolicy({ kind: 'audit', stage: 'call', around: (next) => next() });
const counted = definePolicy({ kind: 'counted', stage: 'call', state: () => ({}), around: (next) => next() });

/** As libraries take decorators, to put several in the place of one. */
declare function applyDecorators(
  ...decorators: readonly (ClassDecorator | MethodDecorator | PropertyDecorator)[]
): MethodDecorator & ClassDecorator;

export const ofMethods: readonly MethodDecorator[] = [
  retry(3),
  retry({ onRetry: ({ attempt }) => attempt }),
  rateLimit({ rate: 1, key: (tenant: string) => tenant }),
  concurrency(1),
  fallback('cached'),
  fallback({ value: 0 }),
  circuitBreaker(5),
  timeout(1),
  cpuBound(import.meta.url),
  orchestrate({ retry: 3, fallback: ['cached'], signalAt: { argument: 0 } }),
  audit(),
  counted(),
];

export const ofClasses: readonly ClassDecorator[] = [
  retry(3),
  concurrency(1),
  fallback('cached'),
  fallback({ value: 0 }),
  orchestrate({ retry: 3, fallback: ['cached'] }),
  audit(),
];

export const several = applyDecorators(retry(3), fallback('cached'), audit());
export const named: PolicyDecorator = retry({ maxAttempts: 10 });
export const kept: MethodDecorator = named;

/** Called by hand, as the old form calls. */
export function byHand(
  type: abstract new () => Weather,
  descriptor: TypedPropertyDescriptor<Weather['forecast']>,
): void {
  const given: undefined = retry(3)(type.prototype as Weather, 'forecast', descriptor);
  const same: abstract new () => Weather = retry(3)(type);
  given satisfies undefined;
  same satisfies unknown;
}

declare class Weather {
  forecast(city: string): Promise<number>;
}
