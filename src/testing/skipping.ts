import { type Alarm, always, listenToAlarms, moveOn, now, residue } from '../core/call/clock.js';
import { node } from '../core/node.js';

type Port = import('node:worker_threads').MessagePort;

/**
 * Ends waits before their time, in the order in which time would have ended them, one in each turn of the event loop; the
 * clock moves on by what is skipped. It never moves beyond a deadline that somebody who works may yet keep.
 *
 * A turn comes by messages, as no fake timers take those into their hands: one goes there and one comes back, as what a port
 * is sent while it is at its messages would still follow in the same turn.
 */
export class Skipping {
  /** Those that are set, in the order in which they were. */
  readonly #alarms = new Set<Alarm>();
  readonly #here: Port;
  readonly #there: Port;
  #hasTurn = false;

  constructor() {
    const { port1, port2 } = new (node('node:worker_threads').MessageChannel)();
    this.#here = port1;
    this.#there = port2;
    port1.on('message', () => this.#turn());
    port2.on('message', () => port2.postMessage(undefined));
    this.#hold(false);
    listenToAlarms((alarm) => this.#changed(alarm));
  }

  /** What is left of the waits passes by the clock from now on. */
  end(): void {
    listenToAlarms(undefined);
    for (const alarm of this.#alarms) if (alarm.isSet) alarm.catchUp();
    this.#alarms.clear();
    this.#here.close();
  }

  #changed(alarm: Alarm): void {
    this.#alarms.delete(alarm);
    this.#alarms.add(alarm);
    this.#askForTurn();
  }

  #askForTurn(): void {
    if (this.#hasTurn) return;
    this.#hasTurn = true;
    this.#hold(true);
    this.#here.postMessage(undefined);
  }

  /** Whether the program is kept alive for a turn. */
  #hold(held: boolean): void {
    for (const port of [this.#here, this.#there]) {
      if (held) port.ref();
      else port.unref();
    }
  }

  #turn(): void {
    this.#hasTurn = false;
    this.#hold(false);
    const { wait, deadline } = this.#earliest();
    // Beyond it goes who waits for what is done meanwhile; that the deadline is over, or kept, comes here again.
    if (wait === undefined || (deadline !== undefined && deadline.due < wait.due - residue)) return;
    this.#alarms.delete(wait);
    moveOn(Math.max(0, wait.due - now()));
    // Others than waits may come to be what cannot be skipped.
    for (const alarm of this.#alarms) if (alarm.mayBeSkipped !== always) alarm.catchUp();
    wait.ringNow();
    this.#askForTurn();
  }

  /** What is due first: of the waits that may be skipped, and of the deadlines. What nobody is held up by does not count. */
  #earliest(): { wait: Alarm | undefined; deadline: Alarm | undefined } {
    let wait: Alarm | undefined;
    let deadline: Alarm | undefined;
    for (const alarm of this.#alarms) {
      if (!alarm.isSet || !alarm.isHeld) this.#alarms.delete(alarm);
      else if (!alarm.mayBeSkipped()) deadline = earlier(deadline, alarm);
      else wait = earlier(wait, alarm);
    }
    return { wait, deadline };
  }
}

const earlier = (one: Alarm | undefined, other: Alarm): Alarm =>
  one === undefined || other.due < one.due - residue ? other : one;
