export type { ViewConfig } from './options.js';
export { startView, type View } from './start-view.js';
