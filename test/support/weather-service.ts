import { type ChildProcess, spawn } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createInterface } from 'node:readline';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';

/** How a server answers a request, if it does. */
export type Answer = (response: ServerResponse, request: IncomingMessage) => unknown;

export const degrees =
  (value: unknown): Answer =>
  (response) =>
    response.end(JSON.stringify({ current: { temperature_2m: value } }));
export const text =
  (body: string): Answer =>
  (response) =>
    response.end(body);
export const status =
  (code: number, headers: Record<string, string> = {}): Answer =>
  (response) =>
    response.writeHead(code, headers).end('{}');
export const cut: Answer = (_response, request) => request.socket.destroy();

/** A weather server that does as it is told. */
export class Api {
  readonly requests: { readonly at: number; readonly closed: Promise<unknown> }[] = [];
  readonly #server: Server;

  /** `answers` are for the requests in turn, the last one for all that follow. */
  constructor(public answers: readonly [Answer, ...Answer[]]) {
    this.#server = createServer((request, response) => {
      this.requests.push({ at: performance.now(), closed: once(response, 'close') });
      const [answer, ...others] = this.answers as readonly [Answer, ...Answer[]];
      this.answers = [others[0] ?? answer, ...others.slice(1)];
      answer(response, request);
    }).listen(0);
  }

  get url(): string {
    return `http://localhost:${(this.#server.address() as AddressInfo).port}`;
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }
}

/** A line of the service's log. */
export interface Line {
  readonly level: string;
  readonly text: string;
  readonly [field: string]: unknown;
}

interface Reply {
  readonly status: number;
  readonly body: string;
  /** `'close'` where the service ends the connection. */
  readonly connection: string | null;
}

/** The service of examples/client, as a process of its own. */
export class Service {
  readonly lines: Line[] = [];
  readonly #heard = new EventEmitter();
  readonly #child: ChildProcess;
  readonly #ended: Promise<unknown[]>;
  /** What it wrote beside its log, such as a warning of Node. */
  readonly #strays: string[] = [];
  #port = 0;

  private constructor(api: string, policies: object) {
    const main = fileURLToPath(new URL('../../examples/client/service.js', import.meta.url));
    const POLICIES = JSON.stringify({ 'Weather.temperature': policies });
    const env = { ...process.env, API: api, PORT: '0', POLICIES };
    const child = spawn(process.execPath, [main], { env, stdio: ['ignore', 'ignore', 'pipe'] });
    this.#child = child;
    this.#ended = once(child, 'close');
    createInterface(child.stderr).on('line', (line) => {
      if (line.startsWith('{"')) this.lines.push(JSON.parse(line) as Line);
      else this.#strays.push(line);
      this.#heard.emit('line');
    });
  }

  /** A service of a server that gives these answers, with these policies in place of its own. */
  static async start(t: TestContext, policies: object, ...answers: readonly [Answer, ...Answer[]]) {
    const api = new Api(answers);
    const service = new Service(api.url, policies);
    t.after(async () => {
      api.close();
      service.#child.kill('SIGKILL');
      await service.#ended;
    });
    const { address } = await service.line(({ text }) => text === 'listening');
    service.#port = (address as AddressInfo).port;
    return { api, service };
  }

  get port(): number {
    return this.#port;
  }

  /** The first line of its log that is meant, once it is there. */
  async line(isMeant: (line: Line) => boolean): Promise<Line> {
    for (;;) {
      const found = this.lines.find(isMeant);
      if (found !== undefined) return found;
      const ended = this.#ended.then(() =>
        Promise.reject(new Error(`the service has ended: ${this.#strays.join('\n')}`)),
      );
      await Promise.race([once(this.#heard, 'line'), ended]);
    }
  }

  async get(path: string, tenant = 'north', signal?: AbortSignal): Promise<Reply> {
    const url = `http://localhost:${this.#port}/${path}`;
    const response = await fetch(url, { headers: { 'x-tenant': tenant }, signal });
    return { status: response.status, body: await response.text(), connection: response.headers.get('connection') };
  }

  /** The temperature in a place, as a status and, where that is 200, degrees. */
  async ask(place = '46/9', tenant?: string, signal?: AbortSignal): Promise<number | string> {
    const { status, body } = await this.get(`temperature/${place}`, tenant, signal);
    return status === 200 ? `${body}°` : status;
  }

  terminate(): void {
    this.#child.kill('SIGTERM');
  }

  /** What it ended with, by itself. */
  async end(): Promise<{ readonly code: unknown; readonly strays: readonly string[] }> {
    const [code] = await this.#ended;
    return { code, strays: this.#strays };
  }
}
