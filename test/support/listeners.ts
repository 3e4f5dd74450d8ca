/** Counts the listeners for `abort` that are added to and removed from a signal, and those that stand on it. */
export function countListeners(signal: AbortSignal) {
  const count = { added: 0, removed: 0, standing: new Set<unknown>(), most: 0 };
  const { addEventListener, removeEventListener } = signal;
  signal.addEventListener = ((...args: Parameters<typeof addEventListener>) => {
    count.added++;
    count.standing.add(args[1]);
    count.most = Math.max(count.most, count.standing.size);
    Reflect.apply(addEventListener, signal, args);
  }) as typeof addEventListener;
  signal.removeEventListener = ((...args: Parameters<typeof removeEventListener>) => {
    if (count.standing.delete(args[1])) count.removed++;
    Reflect.apply(removeEventListener, signal, args);
  }) as typeof removeEventListener;
  return count;
}
