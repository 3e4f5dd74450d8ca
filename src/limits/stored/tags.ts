/** What a limit is called, for people. */
export const limitOf = (tag: string): string => decodeURIComponent(tag.slice(2));

/** How a limit is called in a store. */
export const tagOf = (kind: 'r' | 'c', name: string, key: string | undefined): string =>
  `${kind}:${encode(name)}${key === undefined ? '' : `:${encode(key)}`}`;

/** The kind of the limit that a tag stands for. */
export const policyOf = (tag: string): 'rateLimit' | 'concurrency' =>
  tag.startsWith('r') ? 'rateLimit' : 'concurrency';

const encode = (text: string): string => encodeURIComponent(text.replace(/\p{Surrogate}/gu, '\ufffd'));

/** The name and the key that a tag stands for. */
export function readTag(tag: string): { readonly name: string; readonly key: string | undefined } {
  const [, name = '', key] = tag.split(':');
  return { name: decodeURIComponent(name), key: key === undefined ? undefined : decodeURIComponent(key) };
}
