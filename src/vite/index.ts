export { type DecoratorsPlugin, opero, opero as default } from './plugin.js';
