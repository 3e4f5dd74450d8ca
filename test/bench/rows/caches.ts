import { createCache } from 'async-cache-dedupe';
import { LRUCache } from 'lru-cache';
import pMemoize from 'p-memoize';
import { crowd, type Pace, race, sequential, type Task } from '../measure.js';
import { CircuitBreaker } from '../newest.js';
import { rowsOf, type Section, slownessBy } from '../section.js';
import type { Caller } from './peers.js';
import { minute, service } from './service.js';

const plain = (value: number): Promise<number> => service.plain(value);

/** Its types know of `cache` and `cacheTTL` only. */
const breakerWith = (options: object) => new CircuitBreaker(plain, { timeout: false, ...options });

/** Each keeps a value for a minute, and as many as a cache of opero does by default; p-memoize keeps all for ever. */
function cached() {
  const fetched = new LRUCache<number, number>({ max: 1000, ttl: minute, fetchMethod: plain });
  const deduped = createCache({ ttl: minute / 1000, storage: { type: 'memory', options: { size: 1000 } } });
  const load = deduped.define('load', plain).load;
  const memoized = pMemoize(plain);
  const breaker = breakerWith({ cache: true, cacheTTL: minute, cacheSize: 1000 });
  return {
    opero: (value) => service.cached(value),
    'p-memoize': (value) => memoized(value),
    'lru-cache, fetch': async (value) => (await fetched.fetch(value)) as number,
    'async-cache-dedupe': (value) => load(value),
    opossum: (value) => breaker.fire(value),
  } satisfies Record<string, Caller>;
}

/** Each has calls that ask for the same at one time share one. */
function shared() {
  const deduped = createCache({ ttl: 0, storage: { type: 'memory' } });
  const load = deduped.define('load', plain).load;
  const breaker = breakerWith({ coalesce: true });
  return {
    opero: (value) => service.flown(value),
    'async-cache-dedupe': (value) => load(value),
    opossum: (value) => breaker.fire(value),
  } satisfies Record<string, Caller>;
}

const pace = ({ quick }: Pace) => ({ rounds: quick ? 25 : 60, warmUp: quick ? 20 : 10, slice: quick ? 4 : 8 });

const tasksOf = <Name extends string>(callers: Record<Name, Caller>, task: (fn: Caller) => Task): Record<Name, Task> =>
  Object.fromEntries(Object.entries(callers).map(([name, fn]) => [name, task(fn as Caller)])) as Record<Name, Task>;

/** The few keys that hits ask for. */
const few = 7;

/** Calls a function with one key after the other, each for the first time. */
function anew(fn: Caller): Task {
  let next = 0;
  return sequential(() => fn(next++));
}

export const cacheSections: Section[] = [
  {
    title: 'a hit of a cache',
    async measure(given) {
      const callers = {
        'a plain call': plain,
        'one async wrapper': async (value) => await plain(value),
        ...cached(),
        'opero, Infinity': (value) => service.kept(value),
      } satisfies Record<string, Caller>;
      const times = await race(
        tasksOf(callers, (fn) => sequential((value) => fn(value & few))),
        pace(given),
      );
      return {
        rows: rowsOf(times),
        slowness: slownessBy(times['one async wrapper']),
        figures: { cacheHit: times.opero - times['a plain call'] },
      };
    },
  },
  {
    title: 'a miss of a cache',
    async measure(given) {
      const { 'p-memoize': _forEver, ...bounded } = cached();
      const times = await race(tasksOf({ 'a plain call': plain, ...bounded }, anew), pace(given));
      return { rows: rowsOf(times) };
    },
  },
  {
    title: '1,000 callers at once who ask for the same',
    async measure({ quick }) {
      const tasks = tasksOf(shared(), (fn) => crowd(() => fn(1)));
      return { rows: rowsOf(await race(tasks, { rounds: quick ? 25 : 60, count: 1000 })) };
    },
  },
];
