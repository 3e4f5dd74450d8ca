/** Colours for a stream, if it is a terminal and nobody asked for none (https://no-color.org). */
export type Paint = (style: keyof typeof codes, text: string) => string;

const codes = {
  bold: [1, 22],
  dim: [2, 22],
  red: [31, 39],
  green: [32, 39],
  yellow: [33, 39],
  cyan: [36, 39],
} as const;

export function paintFor(stream: { readonly isTTY?: boolean }, env: NodeJS.ProcessEnv = process.env): Paint {
  const colorful = stream.isTTY === true && !env.NO_COLOR && env.TERM !== 'dumb';
  return (style, text) => (colorful ? `\x1b[${codes[style][0]}m${text}\x1b[${codes[style][1]}m` : text);
}
