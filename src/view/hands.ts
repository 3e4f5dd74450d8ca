import type { Site } from '../core/decoration/site.js';
import type { Undo } from '../core/undo.js';
import { isCircuitBreaker } from '../policies/circuit-breaker.js';
import { isRateLimit } from '../policies/rate-limit.js';
import type { ControlRequest, HandsOn } from './protocol.js';

/** What may be done by hand to a method: the sites are those of its row. */
type Sites = readonly Site[];

const isolationsOf = (sites: Sites): (() => Undo)[] =>
  sites.flatMap((site) =>
    site.policies.filter(isCircuitBreaker).map((policy) => () => policy.circuits(site).isolate()),
  );

const pausesOf = (sites: Sites): (() => Undo)[] =>
  sites.flatMap((site) => site.policies.filter(isRateLimit).map((policy) => () => policy.pause(site)));

/** What begins something by hand, and what ends it. */
const doing: Readonly<Record<ControlRequest['action'], readonly ['isolated' | 'paused', boolean]>> = {
  isolate: ['isolated', true],
  restore: ['isolated', false],
  pause: ['paused', true],
  resume: ['paused', false],
};

/** What is done by hand to the methods of the program. It is undone with the view, as nobody could undo it after that. */
export class Hands {
  /** A request may still be read when the view ends. */
  #areReleased = false;
  readonly #held = { isolated: new Map<number, Undo[]>(), paused: new Map<number, Undo[]>() };

  constructor(
    /** Whether anything may be done. */
    readonly areFree: boolean,
  ) {}

  /** What may be done to a method, by the id of its row, and whether it is. */
  of(id: number, sites: Sites): HandsOn {
    if (!this.areFree) return {};
    const { isolated, paused } = this.#held;
    return {
      isolated: isolationsOf(sites).length > 0 ? isolated.has(id) : undefined,
      paused: pausesOf(sites).length > 0 ? paused.has(id) : undefined,
    };
  }

  /** Does it, if it is not done yet; false where there is nothing to do it to. */
  act(id: number, sites: Sites, action: ControlRequest['action']): boolean {
    const [what, isBegun] = doing[action];
    const held = this.#held[what];
    const begins = what === 'isolated' ? isolationsOf(sites) : pausesOf(sites);
    if (!this.areFree || this.#areReleased || begins.length === 0) return false;
    if (isBegun && !held.has(id)) {
      held.set(
        id,
        begins.map((begin) => begin()),
      );
    } else if (!isBegun) {
      for (const undo of held.get(id) ?? []) undo();
      held.delete(id);
    }
    return true;
  }

  /** Undoes all of it, and does no more. */
  release(): void {
    this.#areReleased = true;
    for (const held of Object.values(this.#held)) {
      for (const undo of [...held.values()].flat()) undo();
      held.clear();
    }
  }
}

/** What a request asks for; undefined where it is nothing that can be asked for. */
export function readControl(body: unknown): ControlRequest | undefined {
  if (typeof body !== 'object' || body === null || !('id' in body) || !('action' in body)) return undefined;
  const { id, action } = body;
  const isKnown = typeof action === 'string' && Object.hasOwn(doing, action);
  return Number.isInteger(id) && isKnown ? (body as ControlRequest) : undefined;
}
