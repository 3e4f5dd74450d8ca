export { type Failure, failTimes } from './fail-times.js';
export { type MemoryStoreOptions, memoryStore } from './memory-store.js';
export { resetState } from './reset-state.js';
export type { Restore } from './restore.js';
export type { AnyConstructor } from './scope.js';
export { useStore } from './use-store.js';
export { withoutPolicies } from './without-policies.js';
export { withoutWaits } from './without-waits.js';
