export type { IoRedis, NodeRedis, RedisClient, RedisSender } from './clients.js';
export { type RedisStoreOptions, redisStore } from './redis-store.js';
