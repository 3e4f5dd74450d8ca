import { mayHaveDecorators } from './decorators.js';
import { isSource, lower } from './lower.js';
import { type LoadedTools, loadTools } from './tools.js';

/**
 * What `opero()` gives: a plugin as vite, vitest and rolldown take it, without the types of any of them.
 *
 * @example
 * const plugin: DecoratorsPlugin = opero();
 * console.log(plugin.name); // opero
 */
export interface DecoratorsPlugin {
  /** Its name in messages. */
  readonly name: 'opero';
  /** It comes before vite's own compiler, and before the plugins that read code without decorators only. */
  readonly enforce: 'pre';
  /** Finds the compilers, once vite knows the project's folder. */
  configResolved(config: { readonly root: string }): Promise<void>;
  /** Finds them where rolldown runs without vite. */
  buildStart(): Promise<void>;
  /** Compiles the decorators of one file. */
  readonly transform: {
    /** Which files are worth asking about; vite and rolldown look at this before they call. */
    readonly filter: { readonly id: RegExp; readonly code: string };
    /** Gives the compiled code with its source map, or null where there is nothing to do. */
    handler(code: string, id: string): Promise<{ code: string; map: string } | null>;
  };
}

/**
 * The plugin that compiles decorators for vite 8 and vitest 5, whose own compiler leaves them as they are. It needs esbuild beside
 * it. Files without decorators are left alone; so are those whose tsconfig says `experimentalDecorators`, as vite compiles
 * these itself, and everything under a vite that compiles decorators. Stacks name the lines of the source.
 *
 * @returns the plugin, for `plugins` in the configuration of vite or vitest
 * @throws Error, when vite starts: esbuild is missing, or is older than 0.21.5
 * @example
 * // vitest.config.ts, with `import { defineConfig } from 'vitest/config'` and `import opero from 'opero/vite'`
 * const config = { plugins: [opero()] };
 */
export function opero(): DecoratorsPlugin {
  let found: Promise<LoadedTools> | undefined;
  let config: { readonly root: string } = { root: process.cwd() };
  const tools = (): Promise<LoadedTools> => {
    found ??= loadTools(config.root);
    return found;
  };
  return {
    name: 'opero',
    enforce: 'pre',
    async configResolved(resolved) {
      config = resolved;
      await tools();
    },
    async buildStart() {
      await tools();
    },
    transform: {
      filter: { id: isSource, code: '@' },
      async handler(code, id) {
        const [file = '', query = ''] = id.split('?', 2);
        if (!isSource.test(id) || isOther(file, query) || !mayHaveDecorators(code)) return null;
        // A part of another file, as the script of a component, says in its query what it is.
        return lower(await tools(), config, isSource.test(file) ? file : id, code);
      },
    },
  };
}

/** What is installed, and what vite makes a string or an address of, is not ours to compile. */
const isOther = (file: string, query: string): boolean =>
  file.includes('/node_modules/') || /(?:^|&)(?:raw|url)\b/.test(query);
