import type { Changes, ControlRequest, Everything, TenMinutes } from '../protocol.js';

/** After so many milliseconds without news the program is taken to be busy, or to have stopped. */
const silentAfter = 4000;
const againAfter = 2000;

/** How it stands with the program. */
export type Link = 'connecting' | 'live' | 'silent' | 'gone';

/** What is told of it. */
interface Heard {
  readonly everything: (everything: Everything) => void;
  readonly changes: (changes: Changes) => void;
  readonly link: (link: Link, since: number) => void;
  /** Says something to the user. */
  readonly say: (words: string) => void;
}

/** The server of the page: the program that is looked at. */
export class Server {
  readonly #token = new URLSearchParams(location.search).get('token');
  #source: EventSource | undefined;
  #link: Link = 'connecting';
  /** When there was news last. */
  #heardAt = Date.now();

  constructor(readonly heard: Heard) {
    this.#connect();
    setInterval(() => this.#look(), 1000);
    document.addEventListener('visibilitychange', () => this.#look());
  }

  #address(path: string): URL {
    const url = new URL(path, location.href);
    if (this.#token !== null) url.searchParams.set('token', this.#token);
    return url;
  }

  #connect(): void {
    this.#source?.close();
    const source = new EventSource(this.#address('events'));
    this.#source = source;
    const onNews = (event: MessageEvent<string>): unknown => {
      this.#heardAt = Date.now();
      this.#tell('live');
      return JSON.parse(event.data);
    };
    source.addEventListener('all', (event) => this.heard.everything(onNews(event) as Everything));
    source.addEventListener('changes', (event) => this.heard.changes(onNews(event) as Changes));
    source.addEventListener('error', () => {
      this.#tell('gone');
      // Where the answer was no stream of events the browser does not ask again.
      if (source.readyState === EventSource.CLOSED) setTimeout(() => this.#connect(), againAfter);
    });
  }

  #look(): void {
    if (this.#link === 'live' && Date.now() - this.#heardAt > silentAfter) this.#tell('silent');
    else if (this.#link !== 'live') this.#tell(this.#link);
  }

  #tell(link: Link): void {
    this.#link = link;
    this.heard.link(link, this.#heardAt);
  }

  say(words: string): void {
    this.heard.say(words);
  }

  /** The last ten minutes of a method; undefined where there are none to be had. */
  async history(id: number): Promise<TenMinutes | undefined> {
    const url = this.#address('history');
    url.searchParams.set('id', String(id));
    try {
      const answer = await fetch(url);
      return answer.ok ? ((await answer.json()) as TenMinutes) : undefined;
    } catch {
      return undefined;
    }
  }

  /** Does something to a method; gives why it was not done. */
  async act(request: ControlRequest): Promise<string | undefined> {
    try {
      const answer = await fetch(this.#address('controls'), {
        method: 'POST',
        headers: { 'Content-Type': 'application/json' },
        body: JSON.stringify(request),
      });
      return answer.ok ? undefined : await answer.text();
    } catch {
      return 'The program cannot be reached.';
    }
  }
}
