import { byId, element, setAttribute } from './dom.js';
import type { Method } from './model.js';
import { columns, type Order } from './order.js';
import { RowView } from './row-view.js';

/** So many rows are there above and below those that are seen. */
const spare = 4;

/** What the list tells of. */
interface Heard {
  readonly selected: (method: Method) => void;
  readonly sorted: () => void;
}

/** The list of methods. Only the rows that are seen are there, whatever the number of methods. */
export class List {
  readonly #list = byId('list', HTMLElement);
  readonly #table = byId('table', HTMLTableElement);
  readonly #head = byId('head', HTMLElement);
  readonly #body = byId('body', HTMLElement);
  readonly #sort = byId('sort', HTMLSelectElement);
  readonly #views: RowView[] = [];
  #methods: readonly Method[] = [];
  #rowHeight = 44;
  #isAsked = false;
  selected: string | undefined;
  /** The time by the clock of the program. */
  now = 0;

  constructor(
    readonly order: Order,
    readonly heard: Heard,
  ) {
    this.#makeHead();
    this.#list.addEventListener('scroll', () => this.ask(), { passive: true });
    this.#list.addEventListener('keydown', (event) => this.#onKey(event));
    this.#body.addEventListener('click', (event) => this.#onClick(event));
    new ResizeObserver(() => this.#measure()).observe(this.#list);
    this.#measure();
  }

  #makeHead(): void {
    // By the style they are no table any more, which browsers would tell to who hears the page.
    this.#table.setAttribute('role', 'table');
    for (const part of this.#table.children) part.setAttribute('role', 'rowgroup');
    this.#head.setAttribute('role', 'row');
    this.#head.setAttribute('aria-rowindex', '1');
    for (const { key, label, title } of columns) {
      const cell = element('th', `cell ${key}`);
      cell.setAttribute('role', 'columnheader');
      const button = element('button', 'sort-button', label);
      button.type = 'button';
      button.title = title;
      button.addEventListener('click', () => this.#sortBy(key));
      cell.append(button);
      this.#head.append(cell);
      this.#sort.append(new Option(label, key));
    }
    this.#sort.addEventListener('change', () => this.#sortBy(this.#sort.value));
    this.#showOrder();
  }

  #sortBy(key: string): void {
    this.order.by(key);
    this.#showOrder();
    this.heard.sorted();
  }

  #showOrder(): void {
    const { column, isReversed } = this.order;
    for (const [at, cell] of [...this.#head.children].entries()) {
      const isThis = columns[at] === column;
      const isAscending = (column.value === undefined) !== isReversed;
      setAttribute(cell, 'aria-sort', isThis ? (isAscending ? 'ascending' : 'descending') : undefined);
    }
    this.#sort.value = column.key;
  }

  /** Whether somebody is at it, so that rows should stay where they are. */
  get isInUse(): boolean {
    return this.#list.matches(':hover') || this.#body.contains(document.activeElement);
  }

  show(methods: readonly Method[]): void {
    this.#methods = methods;
    setAttribute(this.#table, 'aria-rowcount', String(methods.length + 1));
    this.#body.style.height = `${methods.length * this.#rowHeight}px`;
    this.ask();
  }

  /** Draws before the next frame. */
  ask(): void {
    if (this.#isAsked) return;
    this.#isAsked = true;
    requestAnimationFrame(() => {
      this.#isAsked = false;
      this.#draw();
    });
  }

  #measure(): void {
    this.#rowHeight = Number.parseFloat(getComputedStyle(this.#list).getPropertyValue('--row')) || 44;
    this.show(this.#methods);
  }

  #draw(): void {
    const { scrollTop, clientHeight } = this.#list;
    const seen = Math.ceil(clientHeight / this.#rowHeight) + 2 * spare;
    while (this.#views.length < seen) this.#addView();
    const views = this.#views.length;
    const first = Math.max(0, Math.floor(scrollTop / this.#rowHeight) - spare);
    for (let place = first; place < first + views; place++) {
      const view = this.#views[place % views] as RowView;
      const method = this.#methods[place];
      this.#place(view, method, place);
    }
  }

  #addView(): void {
    const view = new RowView();
    this.#views.push(view);
    this.#body.append(view.row);
    // Rows take turns: with one more of them each is another's.
    for (const { row } of this.#views) row.hidden = true;
  }

  #place(view: RowView, method: Method | undefined, place: number): void {
    // Who was at a row that goes out of sight must not be at another one unawares.
    if (view.method !== method && view.row.contains(document.activeElement)) this.#list.focus({ preventScroll: true });
    view.row.hidden = method === undefined;
    if (method === undefined) return;
    view.row.style.transform = `translateY(${place * this.#rowHeight}px)`;
    view.show(method, place, method.key === this.selected, this.now);
  }

  #onClick({ target }: Event): void {
    const view = this.#views.find(({ row }) => row.contains(target as Node));
    if (view?.method !== undefined) this.heard.selected(view.method);
  }

  #onKey(event: KeyboardEvent): void {
    const steps: Readonly<Record<string, number>> = {
      ArrowDown: 1,
      ArrowUp: -1,
      PageDown: 10,
      PageUp: -10,
      Home: Number.NEGATIVE_INFINITY,
      End: Number.POSITIVE_INFINITY,
    };
    const step = steps[event.key];
    if (step === undefined || this.#head.contains(event.target as Node) || this.#methods.length === 0) return;
    event.preventDefault();
    const from = this.#views.find(({ button }) => button === document.activeElement)?.method;
    const at = from === undefined ? (step > 0 ? -1 : 0) : this.#methods.indexOf(from);
    this.focus(Math.min(this.#methods.length - 1, Math.max(0, at + step)));
  }

  /** Puts the focus on the row at a place, which comes into sight. */
  focus(place: number): void {
    const method = this.#methods[place];
    if (method === undefined) return;
    const top = place * this.#rowHeight;
    const room = this.#list.clientHeight - this.#head.offsetHeight - this.#rowHeight;
    if (top < this.#list.scrollTop) this.#list.scrollTop = top;
    else if (top > this.#list.scrollTop + room) this.#list.scrollTop = top - room;
    this.#draw();
    this.#views.find((view) => view.method === method && !view.row.hidden)?.button.focus({ preventScroll: true });
  }

  /** The same for a method by its key, if it is there. */
  focusOn(key: string | undefined): void {
    this.focus(this.#methods.findIndex((method) => method.key === key));
  }
}
