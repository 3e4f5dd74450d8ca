/** What a value holds under a key: undefined where it cannot be read, as with a getter or a proxy that throws. Never throws. */
export function peek(value: unknown, key: PropertyKey): unknown {
  if ((typeof value !== 'object' && typeof value !== 'function') || value === null) return undefined;
  try {
    return Reflect.get(value, key);
  } catch {
    // What does not want to be read holds nothing.
  }
  return undefined;
}

/** The items of what looks like an array, the first of them where it is long. Never throws. */
export function peekItems(value: unknown, most: number): unknown[] {
  const length = peek(value, 'length');
  if (typeof length !== 'number' || !(length > 0)) return [];
  return Array.from({ length: Math.min(Math.floor(length), most) }, (_, index) => peek(value, index));
}
