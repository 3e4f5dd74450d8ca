/** The parts of an HTTP adapter of Nest that an answer takes. */
export interface ReplyAdapter {
  isHeadersSent(response: unknown): boolean;
  setHeader(response: unknown, name: string, value: string): unknown;
  reply(response: unknown, body: object, status: number): unknown;
  end(response: unknown): unknown;
}

/** What the response of Express and the reply of Fastify have in common. */
interface Reply {
  header(name: string, value: string): unknown;
  status(code: number): unknown;
  send(body: object): unknown;
}

/** The response of Node: that of Express is one itself, the reply of Fastify holds it. */
interface Raw {
  readonly headersSent: boolean;
  end(): unknown;
}

const rawOf = (response: unknown): Raw => (response as { readonly raw?: Raw }).raw ?? (response as Raw);

/** For a filter that nobody told of the adapter, as one made by `new`. */
export const adapterByShape: ReplyAdapter = {
  isHeadersSent: (response) => rawOf(response).headersSent,
  setHeader: (response, name, value) => (response as Reply).header(name, value),
  reply(response, body, status) {
    (response as Reply).status(status);
    (response as Reply).send(body);
  },
  end: (response) => rawOf(response).end(),
};
