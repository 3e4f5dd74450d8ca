// Only its types count: the plugin is one for vite and for vitest, whichever compiler looks at it.
import byDefault, { type DecoratorsPlugin, opero } from 'opero/vite';
import { type Plugin, defineConfig as viteConfig } from 'vite';
import { defineConfig as vitestConfig } from 'vitest/config';

export const plugin: DecoratorsPlugin = opero();
export const asVite: Plugin = byDefault();
export const configs = [viteConfig({ plugins: [opero()] }), vitestConfig({ plugins: [byDefault(), asVite] })];
// @ts-expect-error: it takes no options
export const wrong = opero({ include: '**' });
