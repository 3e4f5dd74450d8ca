import {
  type DynamicModule,
  type FactoryProvider,
  Global,
  Inject,
  Logger,
  Module,
  type NestModule,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
  type OnModuleInit,
  Optional,
  type Provider,
} from '@nestjs/common';
import { enterConfig, unusedConfiguration } from '../configure-from.js';
import type { Undo } from '../core/undo.js';
import { ProgramClasses } from './classes.js';
import { endCalls } from './end-calls.js';
import { OperoHealthIndicator } from './health.js';
import {
  type Filled,
  type OperoModuleAsyncOptions,
  type OperoModuleOptions,
  readAsyncOptions,
  readModuleOptions,
} from './options.js';

/** There once in a program, however often `OperoModule` is imported. */
class OperoCoreModule implements NestModule, OnModuleInit {
  readonly #classes: ProgramClasses;

  constructor(classes: ProgramClasses) {
    this.#classes = classes;
  }

  /** Called when everything is made and no route is there yet, in programs that serve HTTP. */
  configure(): void {
    this.#classes.registerMade();
  }

  onModuleInit(): void {
    this.#classes.registerMade();
  }
}

Inject(ProgramClasses)(OperoCoreModule, undefined, 0);
Global()(OperoCoreModule);
Module({
  providers: [ProgramClasses, OperoHealthIndicator],
  exports: [ProgramClasses, OperoHealthIndicator],
})(OperoCoreModule);

const optionsToken = Symbol('opero.options');

/**
 * Brings opero into a Nest program: registers the classes of all providers and controllers before there are routes, so
 * that overrides without a decorator and policies of classes hold; changes policies by configuration; and at shutdown
 * waits for the calls that are under way, and ends the workers. Import it once, in the root module.
 *
 * @example
 * import { Module } from '@nestjs/common';
 * \@Module({ imports: [OperoModule.forRoot({ shutdownTimeout: 20_000 })] })
 * class AppModule {}
 */
export class OperoModule implements OnApplicationBootstrap, OnApplicationShutdown {
  readonly #logger = new Logger('OperoModule');
  readonly #options: Filled;
  readonly #restore: Undo | undefined;

  /**
   * Called by Nest, with what it injects.
   *
   * @param _classes Injected for the classes to be registered before their policies are changed.
   * @param options What `forRoot` or `forRootAsync` was given.
   * @throws ConfigurationError when an option is wrong, or `policies` name a class that lacks the method or the policy.
   */
  constructor(_classes: unknown, options: OperoModuleOptions = {}) {
    this.#options = readModuleOptions(options, 'OperoModule');
    const { policies } = this.#options;
    if (policies !== undefined) this.#restore = enterConfig(policies, 'policies of OperoModule');
  }

  /**
   * The module with these options.
   *
   * @param options `policies` (none): changes by `'Class.method'`, as of `configureFrom`; `shutdownTimeout` (10 000 ms).
   * @throws ConfigurationError when an option is wrong. When the program starts, Nest rejects with one where a fallback
   * names a method that is not there, or `policies` a method or a policy.
   * @example
   * const opero = OperoModule.forRoot({ policies: { 'Weather.forecast': { retry: 5 } } });
   */
  static forRoot<const Config>(options: OperoModuleOptions<Config> = {}): DynamicModule {
    readModuleOptions(options, 'OperoModule.forRoot()');
    return moduleWith({ provide: optionsToken, useValue: options });
  }

  /**
   * The module with options that others have to be asked for, such as a `ConfigService`.
   *
   * @param options `useFactory` gives the options of `forRoot`, `inject` says what it is given, `imports` where that is from.
   * @throws ConfigurationError when there is no factory. When the program starts, Nest rejects with one where an option is wrong.
   * @example
   * const opero = OperoModule.forRootAsync({
   *   inject: [ConfigService],
   *   useFactory: (config: ConfigService) => ({ policies: config.get('policies') }),
   * });
   */
  static forRootAsync(options: OperoModuleAsyncOptions): DynamicModule {
    const asked = 'OperoModule.forRootAsync()';
    const { imports, inject, useFactory } = readAsyncOptions(options, asked);
    const provider: FactoryProvider = {
      provide: optionsToken,
      inject,
      useFactory: async (...injected: never[]) => readModuleOptions(await useFactory(...injected), asked),
    };
    return moduleWith(provider, imports);
  }

  /**
   * Called by Nest. Warns of configuration that has fitted nothing.
   *
   * @throws Nothing.
   */
  onApplicationBootstrap(): void {
    const keys = Object.keys(this.#options.policies ?? {});
    const unused = unusedConfiguration().filter((each) =>
      keys.some((key) => each === key || each.startsWith(`${key}: `)),
    );
    if (unused.length > 0) this.#logger.warn(`policies that have fitted nothing: ${unused.join(', ')}`);
  }

  /**
   * Called by Nest when the program shuts down. Waits for the calls that are under way, for `shutdownTimeout` at most, then
   * ends the workers, and takes back `policies`.
   *
   * @throws Nothing.
   */
  async onApplicationShutdown(): Promise<void> {
    const { shutdownTimeout } = this.#options;
    const left = await endCalls(shutdownTimeout);
    if (left > 0) this.#logger.warn(`calls that had not ended after ${shutdownTimeout} ms: ${left}`);
    this.#restore?.();
  }
}

/** Outside of the class, which bundlers would give another name if it named itself; Nest logs its name. */
const moduleWith = (options: Provider, imports: OperoModuleAsyncOptions['imports'] = []): DynamicModule => ({
  module: OperoModule,
  imports,
  providers: [options],
});

Inject(ProgramClasses)(OperoModule, undefined, 0);
Optional()(OperoModule, undefined, 1);
Inject(optionsToken)(OperoModule, undefined, 1);
Module({ imports: [OperoCoreModule] })(OperoModule);
