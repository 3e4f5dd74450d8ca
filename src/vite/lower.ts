import type { Esbuild, LoadedTools, TransformWithOxc } from './tools.js';

/** The files that are looked at, with or without a query of vite's. */
export const isSource = /\.[cm]?[jt]sx?(?:\?|$)/;

const isTypeScript = /\.[cm]?tsx?$/;

/** What vite makes of decorators and fields in a file, which the tsconfig decides. */
interface Habits {
  readonly leavesDecorators: boolean;
  /** Whether fields are defined, as the standard has it, or assigned, as TypeScript had it. */
  readonly definesFields: boolean;
}

/** Compiles the decorators of one file, and nothing else that vite would compile in another way; null: there is nothing to do. */
export async function lower(
  { esbuild, oxc }: LoadedTools,
  config: object,
  file: string,
  code: string,
): Promise<{ code: string; map: string } | null> {
  if (esbuild === undefined) return null;
  if (!isTypeScript.test(file)) return byEsbuild(esbuild, file, code, true);
  const habits = await habitsFor(oxc, config, file);
  if (!habits.leavesDecorators) return null;
  if (oxc === undefined || habits.definesFields) return byEsbuild(esbuild, file, code, true);
  return byEsbuild(esbuild, file, await withoutEmptyFields(oxc, config, file, code), false);
}

/** Asks vite itself, by a class that it compiles as if it stood there: so what it reads, and how, need not be known here. */
async function habitsFor(oxc: TransformWithOxc | undefined, config: object, file: string): Promise<Habits> {
  if (oxc === undefined) return { leavesDecorators: true, definesFields: true };
  const { code } = await oxc('class Probe { @decorator method() {} field: unknown; }', file, {}, undefined, config);
  return { leavesDecorators: code.includes('@decorator'), definesFields: /\bfield\b/.test(code) };
}

/**
 * Takes the fields without a value out, where fields are assigned. esbuild would assign `undefined` to them in a class with decorators, over
 * what the base class has set.
 */
async function withoutEmptyFields(oxc: TransformWithOxc, config: object, file: string, code: string): Promise<string> {
  const options = {
    tsconfig: false,
    target: 'esnext',
    jsx: 'preserve',
    typescript: { onlyRemoveTypeImports: true, removeClassFieldsWithoutInitializer: true },
  };
  const { code: without, map } = await oxc(code, file, options, undefined, config);
  const inlined = Buffer.from(JSON.stringify(map)).toString('base64');
  return `${without}\n//# sourceMappingURL=data:application/json;base64,${inlined}`;
}

const loaderOf = (file: string): string =>
  isTypeScript.test(file) ? (file.endsWith('x') ? 'tsx' : 'ts') : file.endsWith('x') ? 'jsx' : 'js';

/**
 * A class that esbuild has called otherwise: `_Weather` where it names itself, `_a` where it stands in an expression. Events,
 * metrics and configuration by name would know it so. Letters beyond ASCII it writes as `\u00E4` and `\u{20BB7}`.
 */
const otherwiseCalled = /\b_[\w$\\{}]* = class\b|\bclass [\w$\\{}]+_default\b/;

/** Leaves imports, JSX and newer syntax to vite, which knows what the project wants of them. */
async function byEsbuild(
  esbuild: Esbuild,
  file: string,
  code: string,
  useDefineForClassFields: boolean,
): Promise<{ code: string; map: string }> {
  const options = {
    loader: loaderOf(file),
    target: 'esnext',
    supported: { decorators: false },
    jsx: 'preserve',
    // vite knows no .cts: nothing comes after this for such a file.
    tsconfigRaw: { compilerOptions: { useDefineForClassFields, verbatimModuleSyntax: !file.endsWith('.cts') } },
    sourcefile: file,
    sourcemap: 'external',
  };
  const { code: compiled, map } = await esbuild.transform(code, options);
  if (!otherwiseCalled.test(compiled)) return { code: compiled, map };
  // Not for every file: what keeps the names of classes stands in all functions too, those that are sent elsewhere as text.
  const { code: named, map: mapOfNamed } = await esbuild.transform(code, { ...options, keepNames: true });
  return { code: named, map: mapOfNamed };
}
