import { ago, count, rate } from '../words.js';
import { byId, element, setAttribute, setText } from './dom.js';
import type { Model } from './model.js';
import type { FilterName } from './order.js';
import type { Link } from './server.js';

const words: Readonly<Record<Link, string>> = {
  connecting: 'connecting',
  live: 'live',
  silent: 'no news',
  gone: 'gone',
};

/** What stands above the list: the program, all methods together, and whether there is news. */
export class Header {
  readonly #program = byId('program', HTMLElement);
  readonly #totals = byId('totals', HTMLElement);
  readonly #status = byId('status', HTMLElement);
  readonly #statusText = byId('status-text', HTMLElement);
  readonly #gone = byId('gone', HTMLElement);
  readonly #live = byId('live', HTMLElement);
  readonly #values = new Map<string, HTMLElement>();
  #link: Link = 'connecting';
  #open = 0;

  constructor() {
    for (const name of ['calls/s', 'running', 'queued', 'failed/s', 'tripped']) {
      const value = element('dd', '', '–');
      const group = element('div');
      if (name === 'tripped') group.title = 'Circuits that are not closed';
      group.append(element('dt', '', name), value);
      this.#totals.append(group);
      this.#values.set(name, value);
    }
  }

  /** Says something to those who hear the page, and shows it for a while to those who see it. */
  say(text: string): void {
    setText(this.#live, text);
  }

  showLink(link: Link, since: number): void {
    const silence = ago(Date.now() - since);
    setAttribute(this.#status, 'data-state', link);
    setText(this.#statusText, words[link]);
    document.body.classList.toggle('stale', link === 'gone' || link === 'silent');
    const isGone = link === 'gone' || link === 'silent';
    this.#gone.hidden = !isGone;
    if (link === 'gone')
      setText(
        this.#gone,
        `The program has gone, or cannot be reached. What stands here is from ${silence} ago. Asking again …`,
      );
    if (link === 'silent') setText(this.#gone, `No news for ${silence}: the program is busy, or it was stopped.`);
    if (link !== this.#link && isGone)
      this.say(link === 'gone' ? 'The program has gone.' : 'No news from the program.');
    if (link === 'live' && (this.#link === 'gone' || this.#link === 'silent')) this.say('The program is there again.');
    this.#link = link;
    this.#showTitle();
  }

  #showTitle(): void {
    const state = this.#link === 'gone' ? '(gone) ' : this.#open > 0 ? `(${this.#open} open) ` : '';
    document.title = `${state}${this.#program.dataset.name ?? ''} – opero`.replace(/^ – /, '');
  }

  show(model: Model, counts: Readonly<Record<FilterName, number>>): void {
    const { everything, at } = model;
    if (everything !== undefined) {
      const { name, pid, node, startedAt } = everything.program;
      this.#program.dataset.name = name;
      setText(this.#program, `${name} · pid ${pid} · node ${node.slice(1)} · up ${ago(at - startedAt)}`);
    }
    let [calls, running, queued, failed, open] = [0, 0, 0, 0, 0];
    for (const { state } of model.methods.values()) {
      calls += state.rate;
      running += state.running;
      queued += state.queued;
      failed += state.failed;
      if (state.circuit !== undefined && state.circuit !== 'closed') open++;
    }
    this.#put('calls/s', rate(calls), false);
    this.#put('running', count(running), false);
    this.#put('queued', count(queued), false);
    this.#put('failed/s', rate(failed), failed > 0);
    this.#put('tripped', count(open), open > 0);
    if (open > this.#open) this.say(`${open} circuits are not closed.`);
    this.#open = open;
    for (const [filter, number] of Object.entries(counts))
      setText(byId(`count-${filter}`, HTMLElement), String(number));
    this.#showTitle();
  }

  #put(name: string, text: string, isBad: boolean): void {
    const value = this.#values.get(name);
    if (value === undefined) return;
    setText(value, text);
    value.classList.toggle('bad', isBad);
  }
}
