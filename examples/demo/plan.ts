/** What shall happen in a run: every call, how the server answers each of its attempts, and who is cancelled when. */

/**
 * The acts of a run, in order. In the storm calls fail, stall and are cancelled. In the outage the server answers nothing but
 * 503. Then one call for each method finds that it is back. In the end so many calls come as there are slots.
 */
export type Act = 'storm' | 'outage' | 'recovery' | 'full house';

/** What the server does with one request. `gather`: it answers once all of these calls of a lane are there together. */
export type Answer = 'ok' | 'slow' | '503' | '429' | '404' | 'reset' | 'stall' | 'gather';

export interface Step {
  readonly answer: Answer;
  /** How long the server takes before it does that, in milliseconds. */
  readonly after: number;
  /** How long it asks to be left alone then, in seconds: its Retry-After header. */
  readonly retryAfter?: number;
}

/** Where a call stands when it is cancelled: in a queue, in the pause before a retry, or in the method. */
export type Phase = 'queued' | 'waiting' | 'running';

export interface PlannedCall {
  readonly id: number;
  /** The class and the method that the call goes to. */
  readonly lane: string;
  readonly act: Act;
  /** How long after its act has begun the call is made, in milliseconds. */
  readonly at: number;
  /** One step per attempt; the last one stands for all that follow. */
  readonly steps: readonly Step[];
  /** Cancelled this many milliseconds after it has come to that phase. */
  readonly cancel?: { readonly phase: Phase; readonly after: number };
}

/** How many calls of a lane come in each wave, and how many slots it has. */
interface LaneSize {
  readonly lane: string;
  readonly perWave: number;
  readonly slots: number;
}

/** Random numbers in [0, 1) that a seed determines: mulberry32. */
function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** The part that a call plays. */
type Role = 'lucky' | 'hopeless' | 'endless' | 'unknown' | Phase;

/** How many calls in a hundred play each part; the others are lucky. */
const shares: readonly (readonly [Role, number])[] = [
  ['hopeless', 5],
  ['endless', 3],
  ['unknown', 4],
  ['waiting', 5],
  ['running', 5],
];

/** How long each wave of calls comes after the one before. */
const betweenWaves = 1500;

/** How long a method waits for its next call during the outage. */
const betweenCalls = 50;

/** `waves` of calls, shuffled; then the outage, which lasts so many milliseconds, and what comes after it. */
export function makePlan(seed: number, waves: number, outage: number, lanes: readonly LaneSize[]): PlannedCall[] {
  const random = randomFrom(seed);
  const between = (low: number, high: number): number => Math.round(low + random() * (high - low));
  const pick = <Item>(...items: readonly Item[]): Item => items[Math.floor(random() * items.length)] as Item;

  const good = (): Step =>
    random() < 0.2 ? { answer: 'slow', after: between(100, 170) } : { answer: 'ok', after: between(15, 60) };
  const bad = (): Step => {
    const answer = pick<Answer>('503', '503', '503', '429', '429', 'reset', 'stall');
    const asks = (answer === '503' || answer === '429') && random() < 0.3;
    return { answer, after: between(5, 30), ...(asks && { retryAfter: 1 }) };
  };
  const flaky = (): Step => (random() < 0.25 ? bad() : good());

  const stepsOf = (role: Role): Step[] => {
    if (role === 'hopeless') return [bad(), bad(), bad(), bad()];
    if (role === 'unknown') return [{ answer: '404', after: between(15, 60) }];
    if (role === 'running' || role === 'endless') return [{ answer: 'stall', after: 0 }];
    if (role === 'waiting') return [{ answer: pick('503', '429', 'reset'), after: between(5, 30) }];
    return [flaky(), flaky(), flaky(), good()];
  };

  /** The parts of one lane's calls in one wave; those cancelled in a queue come last, where the queue is longest. */
  const rolesOf = (count: number): Role[] => {
    const roles = shares.flatMap(([role, share]) =>
      Array<Role>(Math.max(1, Math.round((count * share) / 100))).fill(role),
    );
    const queued = Math.max(1, Math.round(count * 0.05));
    while (roles.length < count - queued) roles.push('lucky');
    shuffle(roles, random);
    return [...roles, ...Array<Role>(queued).fill('queued')];
  };

  const calls: PlannedCall[] = [];
  const add = (lane: string, act: Act, at: number, steps: readonly Step[], cancel?: PlannedCall['cancel']): void => {
    calls.push({ id: calls.length, lane, act, at, steps, ...(cancel && { cancel }) });
  };
  for (let wave = 0; wave < waves; wave++) {
    for (const { lane, perWave } of lanes) {
      for (const role of rolesOf(perWave)) {
        const isCancelled = role === 'queued' || role === 'waiting' || role === 'running';
        const after = role === 'running' ? between(20, 120) : between(2, 8);
        add(lane, 'storm', wave * betweenWaves, stepsOf(role), isCancelled ? { phase: role, after } : undefined);
      }
    }
  }
  for (const { lane, slots } of lanes) {
    for (let at = 0; at < outage; at += betweenCalls) add(lane, 'outage', at, []);
    add(lane, 'recovery', 0, [{ answer: 'ok', after: 10 }]);
    for (let slot = 0; slot < slots; slot++) add(lane, 'full house', 0, [{ answer: 'gather', after: 0 }]);
  }
  return calls;
}

function shuffle<Item>(items: Item[], random: () => number): void {
  for (let last = items.length - 1; last > 0; last--) {
    const other = Math.floor(random() * (last + 1));
    [items[last], items[other]] = [items[other] as Item, items[last] as Item];
  }
}
