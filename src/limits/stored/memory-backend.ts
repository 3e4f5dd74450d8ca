import { now } from '../../core/call/clock.js';
import type { Backend, Hints, LeaseAnswer, LeaseMessage, PermitAnswer, PermitAsk } from './backend.js';
import { LeaseState } from './memory-leases.js';
import { PermitState } from './memory-permits.js';

/** What several stores of this process share, as processes share a Redis. */
export class Memory {
  readonly permits = new Map<string, PermitState>();
  readonly leases = new Map<string, LeaseState>();
  readonly hints = new Map<string, Hints>();
  /** What is asked fails with this; undefined: nothing does. */
  failure: Error | undefined;
  /** How much its clock is ahead of that of the process, in milliseconds. */
  ahead = 1e12;

  now(): number {
    return now() + this.ahead;
  }
}

/** Keeps the state of limits in the memory of this process. */
export class MemoryBackend implements Backend {
  readonly name = 'memoryStore';
  readonly label = 'memoryStore';

  constructor(readonly memory: Memory) {}

  async reserve(tag: string, ask: PermitAsk): Promise<PermitAnswer> {
    this.#check();
    const state = stateOf(this.memory.permits, tag, () => new PermitState());
    return state.reserve(this.memory.now(), ask, (duration, isForAll) => {
      for (const [process, each] of this.memory.hints) if (process !== ask.process) each.pause(tag, duration, isForAll);
    });
  }

  async lease(tag: string, message: LeaseMessage): Promise<LeaseAnswer> {
    this.#check();
    const state = stateOf(this.memory.leases, tag, () => new LeaseState());
    const answer = state.take(this.memory.now(), message, (process) => this.memory.hints.get(process)?.look(tag));
    if (answer === undefined) throw new Error('a later message has come before');
    return answer;
  }

  async probe(): Promise<void> {
    this.#check();
  }

  readonly subscribe = async (process: string, hints: Hints): Promise<() => void> => {
    this.memory.hints.set(process, hints);
    return () => this.memory.hints.delete(process);
  };

  #check(): void {
    if (this.memory.failure !== undefined) throw this.memory.failure;
  }
}

function stateOf<State>(states: Map<string, State>, tag: string, make: () => State): State {
  let found = states.get(tag);
  if (found === undefined) {
    found = make();
    states.set(tag, found);
  }
  return found;
}
