import type { FactoryProvider, ModuleMetadata } from '@nestjs/common';
import type { ConfigurationInput } from '../configure-from.js';
import { ConfigurationError } from '../core/errors.js';
import { anything, callback, durationOrInfinity, readOptions } from '../core/options.js';

/**
 * What `OperoModule.forRoot` takes.
 *
 * @example
 * const options: OperoModuleOptions = { policies: { 'Weather.forecast': { retry: 5 } }, shutdownTimeout: 20_000 };
 */
export interface OperoModuleOptions<Config = unknown> {
  /** Changes of policies by `'Class.method'`, `'Class.*'` and `'*'`, as `configureFrom` takes them. Default: none. */
  readonly policies?: ConfigurationInput<Config>;
  /**
   * How many milliseconds the calls that are under way may take to end when the program shuts down; Infinity: as long as
   * they want. Default: 10 000.
   */
  readonly shutdownTimeout?: number;
}

/**
 * What `OperoModule.forRootAsync` takes.
 *
 * @example
 * const options: OperoModuleAsyncOptions = { useFactory: async () => ({ shutdownTimeout: 20_000 }) };
 */
export interface OperoModuleAsyncOptions {
  /** Modules of what is injected. Default: none. */
  readonly imports?: NonNullable<ModuleMetadata['imports']>;
  /** What the factory is given, in this order. Default: nothing. */
  readonly inject?: NonNullable<FactoryProvider['inject']>;
  /** Gives the options of `forRoot`, or a promise of them. Required. */
  readonly useFactory: (...injected: never[]) => OperoModuleOptions | Promise<OperoModuleOptions>;
}

/** The options, checked and filled in. */
export interface Filled {
  readonly policies: unknown;
  readonly shutdownTimeout: number;
}

/** Checks the options. What the policies are is checked when they are put in force. */
export const readModuleOptions = (given: unknown, text: string): Filled =>
  readOptions<Filled>(
    { text },
    given,
    { policies: anything, shutdownTimeout: durationOrInfinity },
    {
      policies: undefined,
      shutdownTimeout: 10_000,
    },
  );

/** Checks what `forRootAsync` takes; Nest checks what is imported and injected. */
export function readAsyncOptions(given: unknown, text: string): Required<OperoModuleAsyncOptions> {
  const rules = { imports: anything, inject: anything, useFactory: callback };
  const options = readOptions<Required<OperoModuleAsyncOptions>>({ text }, given, rules, { imports: [], inject: [] });
  if (typeof options.useFactory === 'function') return options;
  throw new ConfigurationError(`${text}: expected \`useFactory\` to be ${callback.allowed}, got undefined`);
}
