import { parseArgs } from 'node:util';
import { tokenIn } from '../hosts.js';

/** Where it asks if it is told nothing. */
export const usualPort = 6737;

export const usage = `usage: opero top [url] [--token TOKEN]

Shows what the governed methods of a program do, which serves a view: startView({ port: ${usualPort} }) of opero/view.
The url is what startView() gives; default: http://127.0.0.1:${usualPort}. The token may come from OPERO_TOKEN, too.
On a terminal: q ends it, s sorts by another column, arrows and Page Up/Down scroll. Elsewhere one picture is printed.`;

/** What the command line asks for: to show a program, or the usage, with what is wrong if something is. */
export type Asked =
  | { readonly url: URL; readonly token: string | undefined }
  | { readonly help: true; readonly problem?: string };

export function readArguments(given: readonly string[], env: NodeJS.ProcessEnv): Asked {
  try {
    const options = { token: { type: 'string' }, help: { type: 'boolean', short: 'h' } } as const;
    const { values, positionals } = parseArgs({ args: [...given], options, allowPositionals: true });
    const [command, address = `127.0.0.1:${usualPort}`, ...more] = positionals;
    if (values.help || command === undefined) return { help: true };
    if (command !== 'top' || more.length > 0)
      return { help: true, problem: `no such command: ${positionals.join(' ')}` };
    const url = urlOf(address);
    const token = values.token ?? tokenIn(url) ?? env.OPERO_TOKEN;
    url.search = '';
    return { url, token };
  } catch (error) {
    return { help: true, problem: (error as Error).message };
  }
}

/** The address of a view, with or without `http://`; that of its page, or of a place in it. */
function urlOf(address: string): URL {
  const text = /^https?:\/\//i.test(address) ? address : `http://${address}`;
  if (!URL.canParse(text)) throw new Error(`that is no address of a view: ${address}`);
  const url = new URL(text);
  url.hash = '';
  if (!url.pathname.endsWith('/')) url.pathname += '/';
  return url;
}
