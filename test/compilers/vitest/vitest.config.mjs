import { transform } from 'esbuild';
import { defineConfig } from 'vitest/config';

/** Vite's own compiler leaves decorators as they are; esbuild lowers them. */
const decorators = {
  name: 'decorators',
  enforce: 'pre',
  transform: (code, id) =>
    /\.ts$/.test(id) ? transform(code, { loader: 'ts', target: 'es2022', sourcemap: true, sourcefile: id }) : undefined,
};

export default defineConfig({ plugins: [decorators] });
