import type { Everything, MethodState } from '../protocol.js';
import { readChanges, readEverything } from './read.js';

/** A view that does not answer as one. */
export class NoViewError extends Error {
  override readonly name = 'NoViewError';
}

/** Where the view is, and what it has to be shown. */
export interface Address {
  readonly url: URL;
  readonly token: string | undefined;
}

async function ask({ url, token }: Address, path: string, signal?: AbortSignal): Promise<Response> {
  const headers = token === undefined ? {} : { Authorization: `Bearer ${token}` };
  let response: Response;
  try {
    response = await fetch(new URL(path, url), { headers, redirect: 'error', ...(signal && { signal }) });
  } catch {
    throw new NoViewError(`nobody answers at ${url.origin}: is the program there, and does it call startView()?`);
  }
  if (response.ok && response.body !== null) return response;
  throw new NoViewError(`${url.origin} says: ${response.status} ${(await response.text()).trim().slice(0, 200)}`);
}

/** Everything that there is to know now. */
export async function snapshot(address: Address): Promise<Everything> {
  const response = await ask(address, 'snapshot');
  // One that breaks off has said nothing.
  return everythingIn(await response.text().catch(() => ''), address);
}

/** What a JSON says. Throws a NoViewError where it is nothing that a view would say. */
function parsed(json: string, { url }: Address): unknown {
  try {
    return JSON.parse(json);
  } catch {
    throw new NoViewError(`${url.origin} is no view of opero`);
  }
}

function everythingIn(json: string, address: Address): Everything {
  const everything = readEverything(parsed(json, address));
  if (everything === undefined) throw new NoViewError(`${address.url.origin} is no view of opero`);
  return everything;
}

/** The program as it is told of, again and again. */
export interface Picture extends Omit<Everything, 'methods'> {
  readonly methods: ReadonlyMap<number, MethodState>;
}

/** Tells how the program is, each second, until it is gone. Throws a NoViewError if it is not there at all. */
export async function* pictures(address: Address, signal: AbortSignal): AsyncGenerator<Picture> {
  const response = await ask(address, 'events', signal);
  let picture: { everything: Everything; methods: Map<number, MethodState> } | undefined;
  try {
    for await (const { event, data } of events(response.body as ReadableStream<Uint8Array>, signal)) {
      if (event === 'all') {
        const everything = everythingIn(data, address);
        picture = { everything, methods: new Map(everything.methods.map((method) => [method.id, method])) };
      } else if (event === 'changes' && picture !== undefined) {
        const changes = readChanges(parsed(data, address));
        for (const method of changes.methods) picture.methods.set(method.id, method);
        for (const id of changes.gone) picture.methods.delete(id);
        const { at, shared = picture.everything.shared } = changes;
        picture.everything = { ...picture.everything, at, shared };
      }
      if (picture !== undefined) yield { ...picture.everything, methods: picture.methods };
    }
  } catch (error) {
    // A connection that breaks off is the end of the program.
    if (signal.aborted || error instanceof NoViewError) throw error;
  }
}

/** The server-sent events of a body, until it ends or is left. */
async function* events(
  body: ReadableStream<Uint8Array>,
  signal: AbortSignal,
): AsyncGenerator<{ event: string; data: string }> {
  const reader = body.getReader();
  // Once it has answered, `fetch` of Node 20 holds the signal weakly, and after a collection knows of no abort.
  const leave = (): void => void reader.cancel().catch(() => {});
  signal.addEventListener('abort', leave);
  try {
    if (signal.aborted) return;
    const decoder = new TextDecoder();
    let text = '';
    for (let read = await reader.read(); !read.done; read = await reader.read()) {
      text += decoder.decode(read.value, { stream: true });
      const parts = text.split('\n\n');
      text = parts.pop() ?? '';
      for (const part of parts) {
        const fields = new Map(part.split('\n').map((line) => [line.slice(0, line.indexOf(':')), line] as const));
        const field = (name: string): string => fields.get(name)?.slice(name.length + 2) ?? '';
        yield { event: field('event'), data: field('data') };
      }
    }
  } finally {
    signal.removeEventListener('abort', leave);
    leave();
  }
}
