/*
 * OpenTelemetry as this Node takes it: SDK 2 with API 1.9, which is installed beside opero, and on newer Nodes SDK 3 with
 * API 1.10, which has a lock file of its own. opero gets the API that the SDK has, as in a program.
 */
import { existsSync } from 'node:fs';
import * as nodeModule from 'node:module';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import { takes } from '../bench/newest.js';

const folder = new URL('../../../test/otel/sdk3/', import.meta.url);
const canRunNewest = takes('>=22.15.0', process.versions.node);
const hasNewest = existsSync(new URL('node_modules/@opentelemetry/sdk-trace/', folder));
if (process.env.CI === 'true' && canRunNewest && !hasNewest) {
  throw new Error('SDK 3 is not installed: npm ci --prefix test/otel/sdk3');
}

/** The major version of the SDK in use. */
export const sdkVersion = canRunNewest && hasNewest ? 3 : 2;

const from = sdkVersion === 3 ? createRequire(new URL('package.json', folder)) : createRequire(import.meta.url);

interface Resolved {
  readonly url: string;
  readonly shortCircuit?: boolean;
}
type Resolve = (specifier: string, context: object, next: (specifier: string, context: object) => Resolved) => Resolved;
interface Hooking {
  registerHooks(hooks: { readonly resolve: Resolve }): unknown;
}

if (sdkVersion === 3) {
  const url = pathToFileURL(from.resolve('@opentelemetry/api')).href;
  (nodeModule as unknown as Hooking).registerHooks({
    resolve: (specifier, context, next) =>
      specifier === '@opentelemetry/api' ? { url, shortCircuit: true } : next(specifier, context),
  });
}

const load = async <Module>(name: string): Promise<Module> => await import(pathToFileURL(from.resolve(name)).href);

export const api = await load<typeof import('@opentelemetry/api')>('@opentelemetry/api');
export const trace = await load<typeof import('@opentelemetry/sdk-trace')>('@opentelemetry/sdk-trace');
export const metrics = await load<typeof import('@opentelemetry/sdk-metrics')>('@opentelemetry/sdk-metrics');
export const { AsyncLocalStorageContextManager } = await load<typeof import('@opentelemetry/context-async-hooks')>(
  '@opentelemetry/context-async-hooks',
);
/** That which the SDK has of its own. */
const ofSdk = createRequire(from.resolve('@opentelemetry/sdk-trace'));
export const { W3CTraceContextPropagator } = (await import(
  pathToFileURL(ofSdk.resolve('@opentelemetry/core')).href
)) as typeof import('@opentelemetry/core');
export const { UndiciInstrumentation } = await load<typeof import('@opentelemetry/instrumentation-undici')>(
  '@opentelemetry/instrumentation-undici',
);
/** opero's entry, loaded once the API is settled. */
export const { instrument } = await import('opero/otel');
