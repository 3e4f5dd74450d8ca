import { Row } from './row.js';

/** Whose method it is. */
interface OfMethod {
  readonly className: string;
  readonly method: string;
  readonly static: boolean;
}

/** What runs functions without a class of theirs: all of them stand in one row, as their names may be any number. */
const classless = 'Orchestrator';

/** The rows by class and method. Looked up by every event, so that no string is put together for it. */
export class Rows implements Iterable<Row> {
  readonly #instance = new Map<string, Map<string, Row>>();
  readonly #static = new Map<string, Map<string, Row>>();
  readonly #byId = new Map<number, Row>();
  #latestId = 0;

  /** The row that an event is about. */
  ofEvent(event: OfMethod): Row {
    const found = this.#find(event);
    if (found !== undefined) return found;
    return this.of(event.className === classless && !event.static ? { ...event, method: '*' } : event);
  }

  /** The row of a method; made where there is none. */
  of(method: OfMethod): Row {
    return this.#find(method) ?? this.#make(method);
  }

  byId(id: number): Row | undefined {
    return this.#byId.get(id);
  }

  #find({ className, method, static: isStatic }: OfMethod): Row | undefined {
    return (isStatic ? this.#static : this.#instance).get(className)?.get(method);
  }

  #make({ className, method, static: isStatic }: OfMethod): Row {
    const classes = isStatic ? this.#static : this.#instance;
    let rows = classes.get(className);
    if (rows === undefined) {
      rows = new Map();
      classes.set(className, rows);
    }
    const row = new Row(++this.#latestId, className, method, isStatic);
    rows.set(method, row);
    this.#byId.set(row.id, row);
    return row;
  }

  delete({ id, className, method, isStatic }: Row): void {
    const classes = isStatic ? this.#static : this.#instance;
    const rows = classes.get(className);
    rows?.delete(method);
    if (rows?.size === 0) classes.delete(className);
    this.#byId.delete(id);
  }

  [Symbol.iterator](): Iterator<Row> {
    return this.#byId.values();
  }
}
