import { type BatchPlan, handOver } from '../core/call/handoff.js';
import type { Policy } from '../core/call/policy.js';
import { isInterceptor } from '../core/decoration/interceptor.js';
import type { AnyFunction } from '../core/types.js';

/** How the items are worked on. */
export interface Work<Item, Result> {
  /** Works on one item; the signal governs it. */
  readonly run: (item: Item, signal: AbortSignal, onFailure?: (error: unknown) => void) => Promise<Result>;
  /** How many at once where the caller does not say. */
  readonly concurrency: number;
  /** For items that travel to workers in batches: how many there should be under way. */
  readonly plan?: BatchPlan | undefined;
}

/** How many items are worked on at once where nothing says so. */
const defaultConcurrency = 16;

/** How many items of a method or function to work on at once: as many as it runs at once itself. */
function concurrencyOf(policies: readonly Policy[]): number {
  const optionsOf = (kind: string): { limit?: number; maxWorkers?: number } | undefined =>
    policies.find((policy) => policy.kind === kind)?.options;
  return optionsOf('concurrency')?.limit ?? optionsOf('cpuBound')?.maxWorkers ?? defaultConcurrency;
}

/**
 * Work that calls `call` with each item, which calls what has this name on `self`, under the policies given. Items of
 * cpuBound methods travel to workers in batches. Where `find` tells what function to call, that may be foreign code.
 */
export function workOn<Item, Result>(
  policies: readonly Policy[],
  asked: { readonly concurrency?: number } | undefined,
  call: (item: Item, fn?: AnyFunction) => unknown,
  self: unknown,
  name: PropertyKey,
  find?: () => AnyFunction,
): Work<Item, Result> {
  const concurrency = concurrencyOf(policies);
  const cpuBound = policies.find(({ kind }) => kind === 'cpuBound')?.options as { maxWorkers: number } | undefined;
  const lanes = Math.min(asked?.concurrency ?? concurrency, cpuBound?.maxWorkers ?? 0);
  // More under way than the method's own limit would only wait in its queue, or be turned away there.
  const limit = policies.find(({ kind }) => kind === 'concurrency') && Math.max(concurrency, asked?.concurrency ?? 0);
  const most = limit ?? Number.POSITIVE_INFINITY;
  const batch: BatchPlan | undefined = cpuBound && { lanes, most, wanted: Math.min(most, lanes * 2) };
  return {
    concurrency,
    plan: batch,
    run: (item, signal, onFailure) => {
      const fn = find?.();
      // Foreign code that stands before the pipeline may yet make a failure good.
      const told = fn === undefined || isInterceptor(fn) ? onFailure : undefined;
      const given = { self, to: name, signal, batch, onFailure: told };
      return Promise.resolve(handOver(given, () => call(item, fn)) as Result);
    },
  };
}
