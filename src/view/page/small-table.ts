import { element, setAttribute, setText } from './dom.js';

/** What stands in a cell. */
export interface Shown {
  readonly text: string;
  /** What stands small beneath it. */
  readonly under?: string | undefined;
  readonly look?: 'bad' | 'warn' | undefined;
  /** Shown as the state of a circuit would be. */
  readonly pill?: 'closed' | 'open';
}

/** A column; the first one names the row. */
export interface Column<Row> {
  readonly label: string;
  readonly title?: string;
  readonly cell: (row: Row, now: number) => Shown;
}

interface Cell {
  readonly cell: HTMLElement;
  readonly main: HTMLElement;
  readonly under: HTMLElement;
}

/** A table of few rows, all of which are there. */
export class SmallTable<Row> {
  readonly table = element('table', 'small');
  readonly #body = element('tbody');
  readonly #rows = new Map<string, { readonly row: HTMLElement; readonly cells: readonly Cell[] }>();

  constructor(
    label: string,
    readonly columns: readonly Column<Row>[],
    /** Tells rows apart. */
    readonly keyOf: (row: Row) => string,
  ) {
    this.table.setAttribute('aria-label', label);
    this.table.setAttribute('role', 'table');
    const head = element('tr');
    head.setAttribute('role', 'row');
    for (const { label: text, title } of columns) {
      const cell = element('th', '', text);
      cell.setAttribute('role', 'columnheader');
      if (title !== undefined) cell.title = title;
      head.append(cell);
    }
    const top = element('thead');
    top.append(head);
    for (const part of [top, this.#body]) part.setAttribute('role', 'rowgroup');
    this.table.append(top, this.#body);
  }

  /** Shows these rows, in their order, and no others. */
  show(rows: readonly Row[], now: number): void {
    this.table.hidden = rows.length === 0;
    const keys = new Set(rows.map((each) => this.keyOf(each)));
    for (const [key, { row }] of this.#rows) {
      if (keys.has(key)) continue;
      row.remove();
      this.#rows.delete(key);
    }
    for (const [at, each] of rows.entries()) {
      const { row, cells } = this.#rowOf(this.keyOf(each));
      if (this.#body.children[at] !== row) this.#body.insertBefore(row, this.#body.children[at] ?? null);
      for (const [place, { cell }] of this.columns.entries()) put(cells[place] as Cell, cell(each, now));
    }
  }

  #rowOf(key: string) {
    const known = this.#rows.get(key);
    if (known !== undefined) return known;
    const row = element('tr');
    row.setAttribute('role', 'row');
    const cells = this.columns.map(({ label }, at) => makeCell(label, at === 0));
    row.append(...cells.map(({ cell }) => cell));
    const made = { row, cells };
    this.#rows.set(key, made);
    return made;
  }
}

function makeCell(label: string, isName: boolean): Cell {
  const cell = element(isName ? 'th' : 'td');
  cell.setAttribute('role', isName ? 'rowheader' : 'cell');
  const main = element('span', 'main');
  const under = element('span', 'under');
  // On a telephone there is no head above it.
  if (!isName) cell.append(element('span', 'label', label));
  cell.append(main, under);
  return { cell, main, under };
}

function put({ cell, main, under }: Cell, { text, under: small = '', look, pill }: Shown): void {
  setText(main, text);
  setText(under, small);
  main.classList.toggle('pill', pill !== undefined);
  setAttribute(main, 'data-state', pill);
  setAttribute(cell, 'title', small === '' ? undefined : `${text}: ${small}`);
  for (const each of ['bad', 'warn'] as const) cell.classList.toggle(each, look === each);
  cell.classList.toggle('nothing', text === '–' || text === '0');
}
