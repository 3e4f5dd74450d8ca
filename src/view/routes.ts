import type { IncomingMessage, ServerResponse } from 'node:http';
import { foreignness, type Refused } from './admit.js';
import { answer, beginEvents, bodyOf, done, refuse } from './answers.js';
import type { Audience } from './audience.js';
import type { Board } from './board.js';
import { document } from './document.js';
import { type Hands, readControl } from './hands.js';
import type { Everything, Program } from './protocol.js';

/** What there is to show, and who looks. */
export interface Shown {
  readonly board: Board;
  readonly audience: Audience;
  readonly hands: Hands;
  readonly controls: boolean;
  readonly program: Program;
}

type Answer = (request: IncomingMessage, response: ServerResponse, url: URL) => unknown;

/** What the view answers, by path. */
interface Route {
  readonly method: 'GET' | 'POST';
  readonly answer: Answer;
}

const notFound: Refused = { status: 404, text: 'There is no such page.' };

/** Everything that there is to know, as JSON. */
export function everythingOf({ board, audience, controls, program }: Shown): string {
  const isFresh = audience.size === 0;
  const methods = board.everyMethod(isFresh);
  const everything: Everything = { program, controls, at: Date.now(), methods, shared: board.shared(isFresh) };
  return JSON.stringify(everything);
}

/** Gives what answers a request that was admitted. */
export function routing(shown: Shown): Answer {
  const { board, audience, hands, controls } = shown;

  async function control(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const refused = controls
      ? foreignness(request)
      : ({ status: 403, text: 'Controls are off: startView({ controls: true }).' } as const);
    if (refused !== undefined) return refuse(response, refused);
    const asked = readControl(await bodyOf(request));
    if (asked === undefined) return refuse(response, { status: 400, text: 'That is nothing that can be done.' });
    const isDone = hands.act(asked.id, board.sitesOf(asked.id), asked.action);
    if (isDone) done(response);
    else refuse(response, { status: 404, text: 'There is no such method, or it has no such policy.' });
  }

  const routes: Readonly<Record<string, Route>> = {
    '/': { method: 'GET', answer: (_, response) => answer(response, 'text/html', document) },
    '/snapshot': {
      method: 'GET',
      answer: (_, response) => answer(response, 'application/json', everythingOf(shown)),
    },
    '/events': {
      method: 'GET',
      answer(request, response) {
        beginEvents(response);
        if (request.method === 'HEAD') response.end();
        else audience.add(response, everythingOf(shown));
      },
    },
    '/history': {
      method: 'GET',
      answer(_, response, url) {
        const history = board.tenMinutes(Number(url.searchParams.get('id')));
        if (history === undefined) refuse(response, notFound);
        else answer(response, 'application/json', JSON.stringify(history));
      },
    },
    '/controls': { method: 'POST', answer: control },
  };

  return (request, response, url) => {
    const route = Object.hasOwn(routes, url.pathname) ? routes[url.pathname] : undefined;
    if (route === undefined) return refuse(response, notFound);
    const method = request.method === 'HEAD' ? 'GET' : request.method;
    if (method === route.method) return route.answer(request, response, url);
    const headers = { Allow: route.method === 'GET' ? 'GET, HEAD' : route.method };
    return refuse(response, { status: 405, text: `Only ${headers.Allow} is answered here.`, headers });
  };
}
