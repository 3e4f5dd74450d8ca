import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { admitting } from './admit.js';
import { refuse } from './answers.js';
import { Audience } from './audience.js';
import { Board } from './board.js';
import { Hands } from './hands.js';
import { isEveryAddress } from './hosts.js';
import { readViewOptions, type ViewConfig } from './options.js';
import { thisProgram } from './program.js';
import { everythingOf, routing, type Shown } from './routes.js';
import { everySecond } from './ticker.js';

/**
 * A view that is served.
 *
 * @example
 * const view: View = await startView();
 * console.log(view.url);
 * await view.close();
 */
export interface View {
  /** Where the page is: `'http://127.0.0.1:6737'`. It is without the token. */
  readonly url: string;
  /** The port that it listens at. */
  readonly port: number;
  /** Ends it: the port is free, pages are told, isolations and pauses from the page are over. Does nothing more when called again. */
  close(): Promise<void>;
  /** The same. */
  [Symbol.asyncDispose](): Promise<void>;
}

/** Listens, and from then on keeps no program alive: neither by itself nor by those who are connected. */
async function listen(server: Server, host: string, port: number): Promise<AddressInfo> {
  server.on('connection', (socket) => socket.unref());
  server.listen(port, host);
  await once(server, 'listening');
  server.unref();
  return server.address() as AddressInfo;
}

const reachable = (host: string): string => {
  const name = isEveryAddress(host) ? (host === '::' ? '::1' : '127.0.0.1') : host;
  return name.includes(':') ? `[${name}]` : name;
};

/** Has a server answer those who are admitted. */
function serve(server: Server, shown: Shown, admit: ReturnType<typeof admitting>): void {
  const route = routing(shown);
  server.on('request', async (request, response) => {
    // Whatever goes wrong here must not end the program that is looked at.
    try {
      const path = request.url?.startsWith('/') ? request.url : '/';
      // In front of the whole path, so that `//elsewhere` is a path too.
      const url = new URL(`http://view${path}`);
      const refused = admit(request, url);
      if (refused === undefined) await route(request, response, url);
      else refuse(response, refused);
    } catch {
      response.destroy();
    }
  });
}

/**
 * Serves a page that shows what the governed methods of this program do, as it happens: from now on for the methods' latency
 * and reasons, from the program's beginning for their counts. It keeps no program alive. While it is there, every call is
 * counted by it, which costs some 0.4 µs.
 *
 * @param config `port` (0: any that is free), `host` (`'127.0.0.1'`), `token` (none), `controls` (false).
 * @returns The view, once it listens.
 * @throws ConfigurationError when an option is wrong, or another host than this machine is given without a token; what
 * `node:http` says when it cannot listen, as where the port is taken.
 * @example
 * await using view = await startView({ port: 6737 });
 * console.log(`look at ${view.url}`);
 */
export async function startView(config: ViewConfig = {}): Promise<View> {
  const options = readViewOptions(config);
  const server = createServer();
  const { port } = await listen(server, options.host, options.port);
  const hands = new Hands(options.controls);
  const board = new Board(hands);
  const audience = new Audience();
  const shown: Shown = { board, audience, hands, controls: options.controls, program: thisProgram() };
  serve(server, shown, admitting(options));
  const stopTicking = everySecond((seconds) => {
    board.advance(seconds);
    if (audience.size > 0) audience.tell(board.changes(seconds), () => everythingOf(shown));
  });

  let closing: Promise<void> | undefined;
  const close = (): Promise<void> => {
    closing ??= new Promise((resolve) => {
      stopTicking();
      board.stop();
      hands.release();
      audience.end();
      server.close(() => resolve());
      server.closeAllConnections();
    });
    return closing;
  };
  return { url: `http://${reachable(options.host)}:${port}`, port, close, [Symbol.asyncDispose]: close };
}
