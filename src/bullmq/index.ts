export type { ConnectionSource, QueueConnection } from './connection.js';
export { type EnqueueOptions, enqueue } from './enqueue.js';
export { type QueuedConfig, queued } from './queued.js';
export { type ServedWorker, type ServeOptions, serve } from './serve.js';
