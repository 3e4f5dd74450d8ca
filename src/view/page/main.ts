import { Detail } from './detail.js';
import { byId, setText } from './dom.js';
import { Header } from './header.js';
import { List } from './list.js';
import { type Method, Model } from './model.js';
import { counted, type FilterName, Order } from './order.js';
import { Server } from './server.js';
import { SharedView } from './shared.js';

/** While nobody is at the list it is put in order anew after so many changes: rows that jump each second cannot be read. */
const reorderAfter = 3;

const model = new Model();
const order = new Order();
const header = new Header();
const shared = new SharedView((words) => header.say(words));
const search = byId('search', HTMLInputElement);
const empty = byId('empty', HTMLElement);
const note = byId('note', HTMLElement);
/** The key of the method that was chosen. */
let selected: string | undefined;
let sinceOrder = 0;

const list = new List(order, { selected: select, sorted: () => reorder() });
const server = new Server({
  everything(everything) {
    model.begin(everything);
    const method = find();
    if (method !== undefined) detail.open(method);
    refresh(0);
  },
  changes(changes) {
    model.change(changes);
    refresh(changes.seconds);
  },
  link: (link, since) => header.showLink(link, since),
  say: (words) => header.say(words),
});
const detail = new Detail(server, close);

function find(): Method | undefined {
  if (selected === undefined) return undefined;
  for (const method of model.methods.values()) if (method.key === selected) return method;
  return undefined;
}

function refresh(seconds: number): void {
  header.show(model, counted(model));
  shared.show(model.shared, model.at);
  list.now = model.at;
  const method = find();
  if (method !== undefined && seconds > 0) detail.show(method, seconds);
  sinceOrder++;
  if (model.isOther || (sinceOrder >= reorderAfter && !list.isInUse)) reorder();
  else list.ask();
}

function reorder(): void {
  sinceOrder = 0;
  model.isOther = false;
  const methods = order.of(model);
  list.show(methods);
  empty.hidden = methods.length > 0;
  if (methods.length === 0) setText(empty, emptyWords());
  setText(note, methods.length < model.methods.size ? `${methods.length} of ${model.methods.size}` : '');
}

function emptyWords(): string {
  if (model.methods.size === 0) return 'No governed methods yet. A class comes here with its first construction.';
  if (order.search !== '') return `No method is called like “${order.search}”.`;
  return order.filter === 'trouble'
    ? 'All is well: no circuit is open, and nothing has failed in the last minute.'
    : 'Nothing was called in the last minute.';
}

function select(method: Method): void {
  if (selected === method.key) {
    close();
    return;
  }
  selected = method.key;
  list.selected = selected;
  history.replaceState(null, '', `#${encodeURIComponent(selected)}`);
  list.ask();
  detail.open(method);
}

function close(): void {
  const before = selected;
  selected = undefined;
  list.selected = undefined;
  history.replaceState(null, '', `${location.pathname}${location.search}`);
  detail.close();
  list.ask();
  list.focusOn(before);
}

search.addEventListener('input', () => {
  order.search = search.value;
  reorder();
});
for (const radio of document.querySelectorAll<HTMLInputElement>('input[name=filter]')) {
  radio.addEventListener('change', () => {
    order.filter = radio.value as FilterName;
    reorder();
  });
}
document.addEventListener('keydown', (event) => {
  if (event.key === '/' && document.activeElement !== search) {
    event.preventDefault();
    search.focus();
  } else if (event.key === 'Escape' && detail.isOpen) {
    close();
  }
});

try {
  selected = decodeURIComponent(location.hash.slice(1)) || undefined;
} catch {
  // What stands there is no key.
}
list.selected = selected;
