/** What a limit is called, for people. */
export const limitOf = (tag: string): string => decodeURIComponent(tag.slice(2));

/** How a limit is called in a store. */
export const tagOf = (kind: 'r' | 'c', name: string, key: string | undefined): string =>
  `${kind}:${encode(name)}${key === undefined ? '' : `:${encode(key)}`}`;

const encode = (text: string): string => encodeURIComponent(text.replace(/\p{Surrogate}/gu, '\ufffd'));
