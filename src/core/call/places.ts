/**
 * A place among the arguments of a method: the number of one, from 0, and the names that lead from there to what is meant,
 * if it is not the argument itself.
 */
export type ArgumentPlace = readonly [argument: number, ...names: PropertyKey[]];

/**
 * The place among the arguments where policies put one value in place of another, as `rotate` does; undefined where none
 * does. What is kept by the arguments, without a `key` that says how, has to leave that place out, or to go by it alone.
 */
export const replacedPlace = ({ policies }: Replaced): ArgumentPlace | undefined =>
  policies.find(({ replaces }) => replaces !== undefined)?.replaces;

interface Replaced {
  readonly policies: readonly { readonly replaces?: ArgumentPlace | undefined }[];
}

/** Whether an object is plain: one that is copied without loss. */
export function isPlain(value: unknown): value is Record<PropertyKey, unknown> {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || prototype === Object.prototype;
}

export const withProperty = (object: object, name: PropertyKey, value: unknown): object =>
  Object.assign(Object.create(Object.getPrototypeOf(object)), object, { [name]: value });

/** What is missing on the way is made. */
const isMissing = (value: unknown): value is undefined | null => value === undefined || value === null;

/** What stands in a place; undefined where what leads there is missing. */
export function valueAt(args: readonly unknown[], [argument, ...names]: ArgumentPlace): unknown {
  let value = args[argument];
  for (const name of names) {
    if (isMissing(value)) return undefined;
    value = Reflect.get(Object(value), name);
  }
  return value;
}

/** What leads to a place, and cannot be copied as it is neither a plain object nor an array; boxed; undefined: nothing. */
export function obstacleAt(
  args: readonly unknown[],
  [argument, ...names]: ArgumentPlace,
): { readonly found: unknown; readonly at: ArgumentPlace } | undefined {
  let found = args[argument];
  for (const [depth, name] of names.entries()) {
    if (isMissing(found)) return undefined;
    if (!isPlain(found) && !Array.isArray(found)) return { found, at: [argument, ...names.slice(0, depth)] };
    found = Reflect.get(found, name);
  }
  return undefined;
}

/** The arguments with another value in a place: whatever leads there is copied, never changed. */
export function withValueAt(
  args: readonly unknown[],
  [argument, ...names]: ArgumentPlace,
  value: unknown,
): readonly unknown[] {
  const copy = [...args];
  while (copy.length <= argument) copy.push(undefined);
  copy[argument] = put(copy[argument], names, value);
  return copy;
}

function put(holder: unknown, [name, ...others]: readonly PropertyKey[], value: unknown): unknown {
  if (name === undefined) return value;
  if (isMissing(holder)) return { [name]: put(undefined, others, value) };
  const inner = put(Reflect.get(holder as object, name), others, value);
  return Array.isArray(holder)
    ? Object.assign([...holder], { [name]: inner })
    : withProperty(holder as object, name, inner);
}

/** A place for people: `argument 0`, `argument 0, options.apiKey`. */
export const placeText = ([argument, ...names]: ArgumentPlace): string =>
  names.length === 0 ? `argument ${argument}` : `\`${names.map(String).join('.')}\` of argument ${argument}`;
