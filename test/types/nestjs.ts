import { OperoHealthIndicator, OperoModule, overridePolicies } from 'opero/nestjs';

declare const read: unknown;
declare const builder: {
  compile(options?: { readonly snapshot?: boolean }): ReturnType<Compile>;
  other(): void;
};
type Compile = typeof import('@nestjs/core').NestFactory.createApplicationContext;

/** Not run: it has to compile. */
export function all(): void {
  OperoModule.forRoot();
  OperoModule.forRoot({ policies: { 'Weather.forecast': { retry: 5, rateLimit: false } }, shutdownTimeout: 1000 });
  OperoModule.forRoot({ policies: read });
  // @ts-expect-error: no such policy
  OperoModule.forRoot({ policies: { 'Weather.forecast': { retries: 5 } } });
  // @ts-expect-error: it is a number
  OperoModule.forRoot({ policies: { 'Weather.forecast': { retry: { maxAttempts: '5' } } } });
  // @ts-expect-error: no such option
  OperoModule.forRoot({ timeout: 5 });
  OperoModule.forRootAsync({
    inject: ['settings'],
    useFactory: async (settings: { policies: unknown }) => ({ policies: settings.policies }),
  });
  // @ts-expect-error: no factory
  OperoModule.forRootAsync({ inject: [] });

  overridePolicies(builder, { '*': { retry: false } }).other();
  overridePolicies(builder, read).other();
  // @ts-expect-error: no such policy
  overridePolicies(builder, { '*': { retries: false } });
  // @ts-expect-error: no builder
  overridePolicies({}, {});

  const { opero } = new OperoHealthIndicator().isHealthy('opero');
  const status: 'up' | 'down' = opero.status;
  const wider: 'up' | 'degraded' = new OperoHealthIndicator().isHealthy('a', { openCircuits: 'degraded' }).a.status;
  const mixed: 'up' | 'down' | 'degraded' = new OperoHealthIndicator().isHealthy('a', { downStores: 'degraded' }).a
    .status;
  // @ts-expect-error: circuits have it down
  const fewer: 'up' | 'degraded' = new OperoHealthIndicator().isHealthy('a', { downStores: 'degraded' }).a.status;
  // @ts-expect-error: no such key
  new OperoHealthIndicator().isHealthy('opero').opera;
  // @ts-expect-error: no such status
  new OperoHealthIndicator().isHealthy('opero', { openCircuits: 'sick' });
  console.log(status, wider, mixed, fewer);
}
