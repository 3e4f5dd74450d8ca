/** What was marked to be moved and has not been sent yet. Weak, so that what is never sent costs nothing. */
const marked = new WeakSet<object>();
/** Whether anything was ever marked; until then no argument needs to be searched. */
let anyMarked = false;

/**
 * Marks a buffer, a view of one, or a port, so that the next call to or from a worker moves it there in place of copying
 * it. It is empty here afterwards.
 *
 * @param value A buffer, a view of one, a port, or what else can be transferred; given back as it is.
 * @example
 * await images.blur(move(pixels)); // an argument
 * return move(result);             // a result, inside the method
 */
export function move<Value extends object>(value: Value): Value {
  marked.add(value);
  anyMarked = true;
  return value;
}

/** Finds what is marked in a value, and takes the marks off. */
export function takeMoved(value: unknown): object[] {
  if (!anyMarked) return [];
  const found = new Set<object>();
  search(value, new Set(), found);
  return [...found];
}

function search(value: unknown, seen: Set<object>, found: Set<object>): void {
  if (typeof value !== 'object' || value === null || seen.has(value)) return;
  seen.add(value);
  if (marked.delete(value)) found.add(ArrayBuffer.isView(value) ? value.buffer : value);
  if (ArrayBuffer.isView(value)) return;
  if (value instanceof Map) {
    for (const [key, each] of value) {
      search(key, seen, found);
      search(each, seen, found);
    }
  } else if (value instanceof Set) {
    for (const each of value) search(each, seen, found);
  } else {
    for (const each of Object.values(value)) search(each, seen, found);
  }
}
