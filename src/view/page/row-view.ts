import type { MethodState } from '../protocol.js';
import { ago, count, rate, reasons, time, usedOf } from '../words.js';
import { element, setAttribute, setText, svg } from './dom.js';
import type { Method } from './model.js';
import { columns } from './order.js';
import { areaPath, linePath } from './spark.js';

const sparkSize = { width: 120, height: 24 };

/** A cell of two lines: what is told, and what stands small beneath it. */
interface Cell {
  readonly cell: HTMLElement;
  readonly main: HTMLElement;
  readonly under: HTMLElement;
}

function makeCell(key: string, label: string): Cell {
  const cell = element(key === 'name' ? 'th' : 'td', `cell ${key}`);
  cell.setAttribute('role', key === 'name' ? 'rowheader' : 'cell');
  const name = element('span', 'label', label);
  const main = element('span', 'main');
  const under = element('span', 'under');
  cell.append(name, main, under);
  return { cell, main, under };
}

/** A row of the list. There are but as many as fit on the screen: each shows one method after another. */
export class RowView {
  readonly row = element('tr', 'row');
  readonly button = element('button', 'name-button');
  readonly #className = element('span', 'class');
  readonly #methodName = element('span', 'method');
  readonly #policies = element('span', 'under');
  readonly #line = svg('path', { class: 'line' });
  readonly #area = svg('path', { class: 'area' });
  readonly #bar = element('span', 'bar-fill');
  readonly #cells = new Map<string, Cell>();
  readonly #circuit = element('span', 'pill');
  #drawn = '';
  method: Method | undefined;

  constructor() {
    this.row.setAttribute('role', 'row');
    this.button.type = 'button';
    this.button.append(this.#className, this.#methodName);
    for (const { key, label } of columns) this.row.append(this.#make(key, label));
  }

  #make(key: string, label: string): HTMLElement {
    const made = makeCell(key, label);
    const { cell, main } = made;
    if (key === 'name') {
      cell.replaceChildren(this.button, this.#policies);
    } else if (key === 'minute') {
      const { width, height } = sparkSize;
      const picture = svg('svg', {
        class: 'spark',
        viewBox: `0 -1 ${width} ${height + 2}`,
        preserveAspectRatio: 'none',
        role: 'img',
      });
      picture.append(this.#area, this.#line);
      cell.replaceChildren(picture);
    } else if (key === 'limit') {
      const bar = element('span', 'bar');
      bar.append(this.#bar);
      cell.append(bar);
    } else if (key === 'circuit') {
      main.append(this.#circuit);
    }
    this.#cells.set(key, made);
    return cell;
  }

  /** Shows a method; `place` is its row, from 0. */
  show(method: Method, place: number, isSelected: boolean, now: number): void {
    const { state } = method;
    this.method = method;
    setAttribute(this.row, 'aria-rowindex', String(place + 2));
    setAttribute(this.button, 'aria-current', isSelected ? 'true' : undefined);
    this.row.classList.toggle('selected', isSelected);
    this.row.classList.toggle('idle', state.rate === 0 && state.running === 0 && state.queued === 0);
    setText(this.#className, `${state.static ? 'static ' : ''}${state.className}.`);
    setText(this.#methodName, state.method);
    setAttribute(this.button, 'title', method.name);
    setText(this.#policies, state.policies.join(' · '));
    this.#drawMinute(method);
    this.#put('rate', rate(state.rate));
    this.#put('p50', time(state.p50));
    this.#put('p99', time(state.p99));
    this.#put('running', count(state.running), state.running === 0);
    this.#put('queued', count(state.queued), state.queued === 0);
    this.#showLimit(state);
    this.#showCircuit(state);
    this.#put('retries', count(state.retries), state.retries === 0, reasons(state.retriesBy));
    this.#put('rejected', count(state.rejected), state.rejected === 0, reasons(state.rejectedBy));
    this.#put('fallbacks', count(state.fallbacks), state.fallbacks === 0);
    const { lastError } = state;
    this.#put('error', lastError?.name ?? '–', lastError === undefined, lastError && `${ago(now - lastError.at)} ago`);
  }

  #put(key: string, text: string, isNothing = false, under = ''): void {
    const cell = this.#cells.get(key);
    if (cell === undefined) return;
    setText(cell.main, text);
    setText(cell.under, under);
    setAttribute(cell.cell, 'title', under === '' ? undefined : `${text}: ${under}`);
    cell.cell.classList.toggle('nothing', isNothing || text === '–' || text === '0');
  }

  #drawMinute({ minute }: Method): void {
    const key = minute.join();
    if (key === this.#drawn) return;
    this.#drawn = key;
    const { width, height } = sparkSize;
    const most = Math.max(1, ...minute);
    const isEmpty = minute.every((calls) => calls === 0);
    setAttribute(this.#line, 'd', linePath(minute, most, width, height));
    setAttribute(this.#area, 'd', isEmpty ? 'M0 0' : areaPath(minute, most, width, height));
    const label = isEmpty ? 'no calls in the last minute' : `up to ${rate(most)} calls a second in the last minute`;
    this.#line.parentElement?.setAttribute('aria-label', label);
  }

  #showLimit(state: MethodState): void {
    const { limit, running, hands } = state;
    const used = usedOf(state);
    const isPaused = hands.paused === true;
    const taken = Math.min(1, limit === 0 ? 0 : used / limit);
    this.#put('limit', limit === 0 ? '–' : `${count(used)} of ${count(limit)}`, false, isPaused ? 'paused' : '');
    const { cell } = this.#cells.get('limit') as Cell;
    cell.classList.toggle('none', limit === 0);
    cell.classList.toggle('full', limit > 0 && taken >= 1 && running > 0);
    cell.classList.toggle('paused', isPaused);
    this.#bar.style.width = `${(taken * 100).toFixed(0)}%`;
  }

  #showCircuit({ circuit, hands }: MethodState): void {
    const text = hands.isolated === true ? 'isolated' : (circuit ?? '–');
    setText(this.#circuit, text);
    setAttribute(this.#circuit, 'data-state', circuit === undefined ? 'none' : text);
    this.#cells.get('circuit')?.cell.classList.toggle('nothing', circuit === undefined);
  }
}
