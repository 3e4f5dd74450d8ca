export { collect, type MetricsRegistry } from './collect.js';
export { metricsText } from './metrics-text.js';
