export { OperoExceptionFilter } from './exception-filter.js';
export { type OperoHealth, OperoHealthIndicator, type OperoHealthOptions } from './health.js';
export { OperoModule } from './module.js';
export type { OperoModuleAsyncOptions, OperoModuleOptions } from './options.js';
export { overridePolicies } from './override-policies.js';
