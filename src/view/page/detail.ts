import type { ControlRequest, Counted, TenMinutes } from '../protocol.js';
import { count, rate, short, time } from '../words.js';
import { byId, element, setText } from './dom.js';
import type { Method } from './model.js';
import { Plot } from './plot.js';
import type { Server } from './server.js';

const secondsKept = 600;

/** The last ten minutes, to which seconds are added. */
interface Kept {
  readonly calls: (number | null)[];
  readonly failed: (number | null)[];
  readonly p50: (number | null)[];
  readonly p99: (number | null)[];
}

/** What the one method that was chosen has done in the last ten minutes, its reasons, and what can be done to it. */
export class Detail {
  readonly #section = byId('detail', HTMLElement);
  readonly #name = byId('detail-name', HTMLElement);
  readonly #policies = byId('detail-policies', HTMLElement);
  readonly #actions = byId('detail-actions', HTMLElement);
  readonly #facts = byId('detail-facts', HTMLElement);
  readonly #rate = new Plot('Calls a second', rate, short);
  readonly #latency = new Plot('Latency of calls', time);
  readonly #lists = new Map<string, HTMLElement>();
  #kept: Kept | undefined;
  #id: number | undefined;

  constructor(
    readonly server: Server,
    readonly onClose: () => void,
  ) {
    byId('detail-plots', HTMLElement).append(this.#rate.figure, this.#latency.figure);
    byId('detail-close', HTMLButtonElement).addEventListener('click', onClose);
    for (const title of ['Retries', 'Rejections']) {
      const list = element('ul');
      this.#lists.set(title, list);
      const part = element('div', 'reasons');
      part.append(element('h3', '', title), list);
      this.#facts.append(part);
    }
  }

  get isOpen(): boolean {
    return !this.#section.hidden;
  }

  /** Opens it on a method, and asks for its last ten minutes. */
  async open(method: Method): Promise<void> {
    this.#id = method.id;
    this.#kept = undefined;
    this.#section.hidden = false;
    this.#actions.replaceChildren();
    this.show(method, 0);
    const history = await this.server.history(method.id);
    if (this.#id !== method.id || history === undefined) return;
    this.#kept = keptOf(history);
    this.show(method, 0);
  }

  close(): void {
    this.#section.hidden = true;
    this.#id = undefined;
  }

  /** Shows the method as it is now, so many seconds later. */
  show(method: Method, seconds: number): void {
    const { state } = method;
    setText(this.#name, `${state.static ? 'static ' : ''}${method.name}`);
    setText(this.#policies, state.policies.join(' › '));
    this.#showReasons('Retries', state.retries, state.retriesBy);
    this.#showReasons('Rejections', state.rejected, state.rejectedBy);
    this.#showActions(method);
    for (let second = 0; second < seconds && this.#kept !== undefined; second++) {
      push(this.#kept.calls, state.calls);
      push(this.#kept.failed, state.failed);
      push(this.#kept.p50, state.p50 ?? null);
      push(this.#kept.p99, state.p99 ?? null);
    }
    const { calls, failed, p50, p99 } = this.#kept ?? { calls: [], failed: [], p50: [], p99: [] };
    this.#rate.draw([
      { key: 'calls', label: 'ended', values: calls, isFilled: true },
      { key: 'failed', label: 'failed', values: failed, isFilled: true, hidesZero: true },
    ]);
    this.#latency.draw([
      { key: 'p99', label: 'p99', values: p99 },
      { key: 'p50', label: 'p50', values: p50 },
    ]);
  }

  #showReasons(title: string, total: number, counted: Counted): void {
    const known = counted.reduce((sum, [, times]) => sum + times, 0);
    // Those from before the view are counted, and their reasons unknown.
    const all: Counted = total > known ? [...counted, ['before the view began', total - known]] : counted;
    const words = all.map(([reason, times]) => `${reason}\n${times}`).join('\n');
    const list = this.#lists.get(title);
    if (list === undefined || list.dataset.shown === words) return;
    list.dataset.shown = words;
    const items = all.map(([reason, times]) => {
      const item = element('li');
      item.append(element('span', 'reason', reason), element('b', '', count(times)));
      return item;
    });
    list.replaceChildren(...(items.length > 0 ? items : [element('li', 'nothing', 'none')]));
  }

  #showActions({ id, state }: Method): void {
    const { isolated, paused } = state.hands;
    const wanted: [ControlRequest['action'], string][] = [];
    if (isolated !== undefined)
      wanted.push(isolated ? ['restore', 'End the isolation'] : ['isolate', 'Isolate the circuit']);
    if (paused !== undefined) wanted.push(paused ? ['resume', 'Resume the limit'] : ['pause', 'Pause the limit']);
    const shown = [...this.#actions.children].map((each) => (each as HTMLElement).dataset.action).join();
    if (shown === wanted.map(([action]) => action).join()) return;
    const focused = [...this.#actions.children].indexOf(document.activeElement as Element);
    this.#actions.replaceChildren(...wanted.map(([action, words]) => this.#button(id, action, words)));
    if (focused >= 0) (this.#actions.children[focused] as HTMLElement | undefined)?.focus();
  }

  #button(id: number, action: ControlRequest['action'], words: string): HTMLElement {
    const button = element('button', action === 'isolate' || action === 'pause' ? 'careful' : '', words);
    button.type = 'button';
    button.dataset.action = action;
    button.addEventListener('click', async () => {
      button.setAttribute('aria-busy', 'true');
      const problem = await this.server.act({ id, action });
      button.removeAttribute('aria-busy');
      if (problem !== undefined) this.server.say(problem);
    });
    return button;
  }
}

const keptOf = ({ calls, failed, p50, p99 }: TenMinutes): Kept => ({
  calls: [...calls],
  failed: [...failed],
  p50: [...p50],
  p99: [...p99],
});

function push(values: (number | null)[], value: number | null): void {
  values.push(value);
  if (values.length > secondsKept) values.shift();
}
