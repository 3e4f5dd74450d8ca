import type { Changes, Everything, MethodState, MethodWithMinute, Shared } from '../protocol.js';
import { keyOf, nameOf } from '../words.js';

const secondsShown = 60;

/** A method as the page knows it. */
export interface Method {
  readonly id: number;
  readonly name: string;
  /** Tells it apart, the same when the program is there again. */
  readonly key: string;
  /** What the search looks at. */
  readonly searched: string;
  state: MethodState;
  /** The calls of each second of the last minute, the oldest first. */
  readonly minute: number[];
  /** Set while it is so that there is something to look after. */
  isTroubled: boolean;
}

const isTroubled = ({ circuit, failedAt }: MethodState, at: number): boolean =>
  (circuit !== undefined && circuit !== 'closed') || (failedAt !== undefined && at - failedAt < 60_000);

/** All that the page knows of the program. */
export class Model {
  readonly methods = new Map<number, Method>();
  everything: Omit<Everything, 'methods' | 'shared'> | undefined;
  shared: Shared = { stores: [], jobs: [], moreJobs: 0 };
  /** When the last news was so, by the clock of the program. */
  at = 0;
  /** Whether the methods are others than before, so that they are to be put in order anew. */
  isOther = true;

  begin({ methods, shared, ...rest }: Everything): void {
    this.everything = rest;
    this.shared = shared;
    this.at = rest.at;
    this.methods.clear();
    this.isOther = true;
    for (const method of methods) this.#add(method, method.minute);
  }

  change({ at, seconds, methods, gone, shared }: Changes): void {
    this.at = at;
    if (shared !== undefined) this.shared = shared;
    for (const { minute, state } of this.methods.values()) {
      // One that nothing is told of is as it was in the second before.
      for (let second = 0; second < Math.min(seconds, secondsShown); second++) minute.push(state.calls);
      minute.splice(0, minute.length - secondsShown);
    }
    for (const state of methods) this.#update(state, seconds);
    for (const id of gone) this.isOther = this.methods.delete(id) || this.isOther;
    for (const method of this.methods.values()) method.isTroubled = isTroubled(method.state, at);
  }

  #update(state: MethodState, seconds: number): void {
    const method = this.methods.get(state.id) ?? this.#add(state, []);
    method.state = state;
    method.minute.fill(state.calls, -Math.min(seconds, secondsShown));
  }

  #add(given: MethodState | MethodWithMinute, minute: readonly number[]): Method {
    const { minute: _, ...state } = { minute, ...given };
    const name = nameOf(state);
    const method: Method = {
      id: state.id,
      name,
      key: keyOf(state),
      searched: `${name} ${state.policies.join(' ')}`.toLowerCase(),
      state,
      minute: [...Array<number>(secondsShown).fill(0), ...minute].slice(-secondsShown),
      isTroubled: isTroubled(state, this.at),
    };
    this.methods.set(state.id, method);
    this.isOther = true;
    return method;
  }
}
