/** Lines that are comments from their beginning on, up to the `@`; one that begins with `*` may be the end of one, or a generator. */
const inComment = /^\s*(?:\/\/|\*(?!.*[};]\s*$)(?!.*\*\/)(?!\/)|\/\*(?!.*\*\/))/;

/** An `@` where a decorator can stand: before a name or a parenthesis, and not right after what ends a string or an address. */
const candidate = /(?<!['"`.-]|[^*]\/)@(?=\s*[\p{ID_Start}$_(\\/])/gu;

/**
 * Whether code may have a decorator. A quick look, that does not say no where there is one. It says yes to some an `@` in a
 * string, or in a comment behind code, which costs a compilation that changes nothing.
 */
export function mayHaveDecorators(code: string): boolean {
  for (const { index } of code.matchAll(candidate)) {
    const line = code.slice(code.lastIndexOf('\n', index) + 1, index);
    if (!inComment.test(line)) return true;
  }
  return false;
}
