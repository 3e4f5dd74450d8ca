import { ModulesContainer } from '@nestjs/core';
import { type ConfigurationInput, enterConfig } from '../configure-from.js';
import { ConfigurationError } from '../core/errors.js';
import { show } from '../core/options.js';

/** What is used of the module that a builder of `@nestjs/testing` gives. */
interface CompiledModule {
  get(token: typeof ModulesContainer, options: { readonly strict: boolean }): ModulesContainer;
}

/** A builder of `@nestjs/testing`, as far as it matters here. */
interface Builder {
  compile(...given: never[]): Promise<CompiledModule>;
}

/**
 * Changes policies for the program that a testing module is compiled to, from `compile()` until the module, or an
 * application made of it, is closed. It counts before every other configuration, such as that of its `OperoModule`.
 *
 * @param builder What `Test.createTestingModule` gives.
 * @param config The changes by `'Class.method'`, `'Class.*'` and `'*'`, as of `configureFrom`.
 * @returns The builder.
 * @throws ConfigurationError when it is no builder; `compile()` rejects with one where the changes are wrong, or a class
 * lacks the method or the policy.
 * @example
 * const builder = Test.createTestingModule({ imports: [AppModule] });
 * const testing = await overridePolicies(builder, { 'Weather.*': { retry: false } }).compile();
 */
export function overridePolicies<const Config, Each extends Builder>(
  builder: Each,
  config: ConfigurationInput<Config>,
): Each {
  if (typeof (builder as Partial<Builder> | undefined)?.compile !== 'function') {
    throw new ConfigurationError(
      `overridePolicies(): expected what Test.createTestingModule() gives, got ${show(builder)}`,
    );
  }
  const compile = builder.compile.bind(builder);
  builder.compile = async (...given) => {
    const restore = enterConfig(config, 'overridePolicies()', true);
    try {
      const module = await compile(...given);
      const modules = module.get(ModulesContainer, { strict: false });
      atShutdown(modules, restore);
      return module;
    } catch (error) {
      restore();
      throw error;
    }
  };
  return builder;
}

/** Has this called when the program shuts down: by its root module, which closes whatever the program was made to. */
function atShutdown(modules: ModulesContainer, onApplicationShutdown: () => void): void {
  const [root] = modules.values();
  root?.addProvider({ provide: Symbol('opero.overrides'), useValue: { onApplicationShutdown } });
}
