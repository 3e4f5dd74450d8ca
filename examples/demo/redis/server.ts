/** The server whose quota is to be kept: it counts exactly, turns away what is over, and writes down what it sees. */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Quota } from './quota.js';
import { type SeenRequest, time } from './record.js';

export interface Limits {
  /** So many starts in any window of `per` milliseconds, and so many requests at once. */
  readonly rate: number;
  readonly per: number;
  readonly limit: number;
}

export class QuotaServer {
  readonly requests: SeenRequest[] = [];
  /** The most requests at once, of those under the quota. */
  mostAtOnce = 0;
  /** How long it takes to answer, in milliseconds. */
  takes = 40;
  readonly #quota: Quota;
  readonly #limits: Limits;
  readonly #http = createServer((request, response) => this.#serve(request, response));
  readonly #open = new Set<SeenRequest>();
  /** Answers that are kept back; undefined: none are. */
  #keptBack: (() => void)[] | undefined;
  #onChange: (() => void)[] = [];

  constructor(limits: Limits) {
    this.#limits = limits;
    this.#quota = new Quota(limits.rate, limits.per);
  }

  /** Gives the port. */
  async start(): Promise<number> {
    this.#http.keepAliveTimeout = 60_000;
    this.#http.listen(0, '127.0.0.1');
    await once(this.#http, 'listening');
    return (this.#http.address() as AddressInfo).port;
  }

  stop(): void {
    this.#http.close();
    this.#http.closeAllConnections();
  }

  /** Those that are open now. */
  open(of: SeenRequest['of']): SeenRequest[] {
    return [...this.#open].filter((each) => each.of === of);
  }

  /** Keeps back all answers to calls under the quota from now on. */
  keepBack(): void {
    this.#keptBack ??= [];
  }

  /** Answers what was kept back. */
  goOn(): void {
    const replies = this.#keptBack ?? [];
    this.#keptBack = undefined;
    for (const reply of replies) reply();
  }

  /** Waits until something is so, and gives when; undefined: it was not within so many milliseconds. */
  until(isSo: () => boolean, patience: number): Promise<number | undefined> {
    return new Promise((resolve) => {
      const end = (at: number | undefined): void => {
        clearTimeout(timer);
        this.#onChange = this.#onChange.filter((each) => each !== look);
        resolve(at);
      };
      const look = (): void => {
        if (isSo()) end(time());
      };
      const timer = setTimeout(() => end(undefined), patience);
      this.#onChange.push(look);
      look();
    });
  }

  #serve(request: IncomingMessage, response: ServerResponse): void {
    const seen = this.#begin(request);
    response.once('close', () => this.#end(seen, 'hung up'));
    const isOver = seen.of === 'api' && this.#isOver(seen);
    const answer = isOver ? '429' : fails(seen) ? '503' : 'ok';
    const reply = (): void => {
      // Counted as over before the client can know, so that what the client still counts is counted here too.
      this.#end(seen, answer);
      if (isOver) response.setHeader('retry-after', 1);
      response.writeHead(answer === 'ok' ? 200 : Number(answer));
      response.end(`number ${seen.call}`);
    };
    if (seen.of === 'archive') setTimeout(reply, 700);
    else setTimeout(() => (this.#keptBack === undefined ? reply() : this.#keptBack.push(reply)), this.takes);
  }

  #begin({ url = '', headers }: IncomingMessage): SeenRequest {
    const [, of, call] = url.split('/');
    const seen: SeenRequest = {
      process: Number(headers['x-process']),
      of: of === 'api' ? 'api' : 'archive',
      call: Number(call),
      attempt: Number(headers['x-attempt']),
      started: Number(headers['x-started']),
      arrived: time(),
      outcome: 'open',
    };
    this.requests.push(seen);
    this.#open.add(seen);
    this.#changed();
    return seen;
  }

  /** By when it began, as requests do not all take the same time to get here; and by how many are here now. */
  #isOver({ started }: SeenRequest): boolean {
    const atOnce = this.open('api').length;
    this.mostAtOnce = Math.max(this.mostAtOnce, atOnce);
    return !this.#quota.allows(started) || atOnce > this.#limits.limit;
  }

  #end(seen: SeenRequest, outcome: SeenRequest['outcome']): void {
    if (!this.#open.delete(seen)) return;
    seen.outcome = outcome;
    this.#changed();
  }

  #changed(): void {
    for (const look of [...this.#onChange]) look();
  }
}

/** Which attempts fail on purpose: the first ones of some calls, and all of a few. */
const fails = ({ of, call, attempt }: SeenRequest): boolean =>
  of === 'api' && (call % 40 === 7 || (call % 9 === 4 && attempt === 1));
