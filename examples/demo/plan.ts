/** What shall happen in a run: every call, how the server answers each of its attempts, and who is cancelled when. */

/** What the server does with one request. `gather`: it answers once all of these calls of a lane are there together. */
export type Answer = 'ok' | 'slow' | '503' | '429' | '404' | 'reset' | 'stall' | 'gather';

export interface Step {
  readonly answer: Answer;
  /** How long the server takes before it does that, in milliseconds. */
  readonly after: number;
}

/** Where a call stands when it is cancelled: in a queue, in the pause before a retry, or in the method. */
export type Phase = 'queued' | 'waiting' | 'running';

export interface PlannedCall {
  readonly id: number;
  /** The class and the method that the call goes to. */
  readonly lane: string;
  readonly wave: number;
  /** One step per attempt; the last one stands for all that follow. */
  readonly steps: readonly Step[];
  /** Cancelled this many milliseconds after it has come to that phase. */
  readonly cancel?: { readonly phase: Phase; readonly after: number };
}

/** How many calls of a lane come in each wave, and how many slots it has. */
export interface LaneSize {
  readonly lane: string;
  readonly perWave: number;
  readonly slots: number;
}

/** Random numbers in [0, 1) that a seed determines: mulberry32. */
export function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** The part that a call plays. */
type Role = 'lucky' | 'hopeless' | 'unknown' | Phase;

/** How many calls in a hundred play each part; the others are lucky. */
const shares: readonly (readonly [Role, number])[] = [
  ['hopeless', 7],
  ['unknown', 4],
  ['waiting', 5],
  ['running', 5],
];

/** `waves` of calls, shuffled; then, in a wave of their own, as many calls in each lane as it has slots. */
export function makePlan(seed: number, waves: number, lanes: readonly LaneSize[]): PlannedCall[] {
  const random = randomFrom(seed);
  const between = (low: number, high: number): number => Math.round(low + random() * (high - low));
  const pick = <Item>(...items: readonly Item[]): Item => items[Math.floor(random() * items.length)] as Item;

  const good = (): Step =>
    random() < 0.2 ? { answer: 'slow', after: between(100, 170) } : { answer: 'ok', after: between(15, 60) };
  const bad = (): Step => ({
    answer: pick('503', '503', '503', '429', '429', 'reset', 'stall'),
    after: between(5, 30),
  });
  const flaky = (): Step => (random() < 0.25 ? bad() : good());

  const stepsOf = (role: Role): Step[] => {
    if (role === 'hopeless') return [bad(), bad(), bad(), bad()];
    if (role === 'unknown') return [{ answer: '404', after: between(15, 60) }];
    if (role === 'running') return [{ answer: 'stall', after: 0 }];
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
  const add = (lane: string, wave: number, role: Role, steps: readonly Step[]): void => {
    const isCancelled = role === 'queued' || role === 'waiting' || role === 'running';
    const cancel = isCancelled
      ? { phase: role, after: role === 'running' ? between(20, 120) : between(2, 8) }
      : undefined;
    calls.push({ id: calls.length, lane, wave, steps, ...(cancel && { cancel }) });
  };
  for (let wave = 0; wave < waves; wave++) {
    for (const { lane, perWave } of lanes) for (const role of rolesOf(perWave)) add(lane, wave, role, stepsOf(role));
  }
  for (const { lane, slots } of lanes) {
    for (let slot = 0; slot < slots; slot++) add(lane, waves, 'lucky', [{ answer: 'gather', after: 0 }]);
  }
  return calls;
}

function shuffle<Item>(items: Item[], random: () => number): void {
  for (let last = items.length - 1; last > 0; last--) {
    const other = Math.floor(random() * (last + 1));
    [items[last], items[other]] = [items[other] as Item, items[last] as Item];
  }
}
