/** The frames of a stack that are not opero's own. */
export function callerFrames(stack: string | undefined): string {
  const frames = (stack ?? '').split('\n').slice(1);
  return frames.filter((frame) => !ownCode.some((folder) => frame.includes(folder))).join('\n');
}

/** Where opero's own code is: as built, and, for stacks through source maps, as written. */
const ownCode = ['../', '../../src/']
  .map((folder) => new URL(folder, import.meta.url))
  .flatMap((url) => [url.href, url.pathname]);
