/**
 * Why mutants may survive: each stands for the file under src, the code, what it becomes (left out: whatever it becomes),
 * and how many mutants that are (left out: one), so that no reason covers what comes later.
 */
export const reasons = [
  {
    why: 'Only time is saved: what is kept, or left out, would come out the same again.',
    of: [
      ['core/call/matcher.ts', 'tests.length === 1', 'false'],
      ['core/call/fake-timers.ts', 'setTimeout === realSetTimeout', 'false'],
      ['core/decoration/interceptor.ts', 'site === undefined', 'true'],
      ['core/decoration/interceptor.ts', 'site.isForNow', 'true'],
      ['core/decoration/decorate.ts', 'record.seesConstructions', 'false'],
      ['core/decoration/interceptor.ts', 'owner !== undefined', 'false'],
      ['core/decoration/interceptor.ts', 'this.#sites.set(owner, site);'],
      ['core/decoration/linking.ts', 'all.every(isDone)', 'false'],
      ['core/decoration/linking.ts', '!isDone(level)', 'true'],
      ['core/decoration/linking.ts', 'linked.add(prototype);'],
      ['core/decoration/construction.ts', 'spots === nothing || spots?.every(isUnchanged)', 'false'],
      ['core/decoration/construction.ts', 'constructed.set(prototype, seen.length === 0 ? nothing : seen);'],
      ['core/decoration/construction.ts', 'metadata === undefined', 'false'],
      ['core/call/pipeline.ts', 'call.callerSignal !== undefined', 'true', 2],
      ['policies/fallback.ts', '!alternatives.includes(name as Alternative)', 'false'],
      ['limits/window.ts', 'at === starts.length', 'false'],
      ['limits/window.ts', 'at === this.#head', 'true'],
      [
        'policies/timeout-run.ts',
        "typeof outcome === 'object' && outcome !== null && typeof (outcome as { then?: unknown }).then === 'function'",
        'true',
      ],
      ['policies/timeout-run.ts', "typeof (outcome as { then?: unknown }).then === 'function'", 'true'],
      ['policies/timeout-run.ts', 'error === this', 'true'],
      ['policies/retry.ts', 'maxElapsed !== Number.POSITIVE_INFINITY', 'true'],
      ['policies/retry.ts', 'retryResult !== undefined', 'true'],
    ],
  },
  {
    why: 'Only memory is saved, for a while: starts that are over, errors that nobody will see, what is left on the signal of a run.',
    of: [
      ['core/call/signals.ts', 'part();'],
      ['limits/window.ts', 'this.#head * 2 < this.#starts.length', 3],
      ['policies/retry.ts', '!rethrow && (canRunOut || call.deadline !== Number.POSITIVE_INFINITY)', 2],
      [
        'policies/retry.ts',
        'maxAttempts !== Number.POSITIVE_INFINITY || hasDeadline || budget !== undefined || delayHook !== undefined',
        'true',
      ],
    ],
  },
  {
    why: 'It is there for the types: the value cannot be undefined here.',
    of: [
      ['core/decoration/construction.ts', "typeof method !== 'function'", 'false'],
      ['core/call/call.ts', 'this.callerSignal?.reason'],
      ['core/call/clock.ts', 'this.#timer?.ref'],
      ['core/decoration/decorate.ts', 'level.type?.name'],
      ['core/decoration/decorate.ts', "context.kind !== 'class'", 'true'],
      ['core/decoration/decorate.ts', "'class'", '""'],
      ['core/options.ts', "typeof name === 'string'", 'true'],
      ['core/options.ts', "typeof name === 'symbol'", 'false'],
      ['core/options.ts', "'symbol'", '""'],
      ['policies/fallback.ts', 'where.member !== undefined', 'true'],
      ['core/decoration/sites.ts', 'memberRecords(member.holder, member.placement)?.get'],
      ['core/decoration/linking.ts', 'type !== undefined', 'true', 2],
      ['core/decoration/linking.ts', 'property?.configurable'],
      ['core/decoration/linking.ts', 'property?.writable'],
      ['core/decoration/lookup.ts', 'type === undefined', 'false'],
      ['core/decoration/site.ts', 'this.inForce.find(({ policy }) => policy.kind === kind)?.declaredBy'],
      ['core/decoration/site.ts', 'chain[0]?.type'],
      ['limits/window.ts', 'oldest === undefined', 'false'],
    ],
  },
  {
    why: 'A text in a list of classes or names: it has no policies, and nothing asks for it.',
    of: [
      ['core/decoration/sites.ts', '[]'],
      ['core/decoration/lookup.ts', '[]'],
      ['core/call/matcher.ts', '[]'],
      ['core/decoration/metadata.ts', '[]'],
    ],
  },
  {
    why: 'It differs at a single point of a continuous time, or among equal ones, where both ways are right.',
    of: [
      ['core/call/clock.ts', 'this.#left > residue', 'this.#left >= residue'],
      ['policies/timeout-run.ts', 'turn < grace', 'turn <= grace'],
      ['policies/timeout-run.ts', 'this.parent.deadline <= now() + residue', 'this.parent.deadline < now() + residue'],
      ['core/call/clock.ts', 'missing > early', 'missing >= early'],
      ['limits/window.ts', '(starts[at - 1] as number) > start', 'starts[at - 1] as number >= start'],
      ['limits/window.ts', 'due <= time + residue', 'due < time + residue'],
      [
        'limits/window.ts',
        'due > time + this.#length * this.#heaviest + residue',
        'due >= time + this.#length * this.#heaviest + residue',
      ],
    ],
  },
  {
    why: 'What lies beyond the end is never asked for: starts before the head are earlier than any new one, and a start that is not there is not over.',
    of: [
      ['limits/window.ts', 'at > this.#head', 6],
      ['limits/window.ts', 'at < this.#starts.length', 'at <= this.#starts.length'],
    ],
  },
  {
    why: 'How a start is timed by the real clock: it shows only where the machine, or the method, holds one up for long.',
    of: [
      ['limits/window.ts', '1 / 20'],
      ['limits/window.ts', 'Math.min(most, Math.max(least, this.#length * share))'],
      ['limits/window.ts', 'Math.max(least, this.#length * share)'],
      ['limits/window.ts', 'this.#length * share'],
      ['limits/window.ts', 'grace > 0 && sinceLatest >= 0 && sinceLatest <= quick', 'false'],
      ['limits/window.ts', 'sinceLatest >= 0', 3],
      ['limits/window.ts', 'sinceLatest <= quick', 3],
    ],
  },
  {
    why: 'A ring too many, or a timer left behind, finds nothing to do.',
    of: [
      ['core/call/clock.ts', 'this.#timer !== timer', 'false'],
      ['core/call/fake-timers.ts', 'clearTimeout(timer);'],
    ],
  },
  {
    why: 'The fake timers of these tests bear to be asked about timers of others; others may not.',
    of: [['core/call/clock.ts', 'this.#setBy === setTimeout', 'true']],
  },
  {
    why: 'Where a clock is faked as well, timers ring when they should by that clock.',
    of: [['core/call/fake-timers.ts', 'clock !== realClock', 'false']],
  },
  {
    why: 'The receiver of a private static method is its own class, which is found as its home either way.',
    of: [
      ['core/decoration/interceptor.ts', "member.placement.endsWith('static')"],
      ['core/decoration/sites.ts', "member.placement.endsWith('static')", 2],
      ['core/decoration/lookup.ts', "placement.endsWith('static')"],
    ],
  },
  {
    why: 'The same class twice in a chain: of each kind the nearest policy counts.',
    of: [['core/decoration/construction.ts', 'chainOfClass(type).slice(1)']],
  },
  {
    why: 'Words for an option that may be anything: no message needs them.',
    of: [['core/options.ts', "'anything'"]],
  },
  {
    why: 'The outer call has rejected at the abort either way; the inner one would only make a promise more.',
    of: [['core/call/pipeline.ts', 'signal !== given?.signal', 'true']],
  },
  {
    why: 'It comes after an abort: who was aborted has been told so, and this goes nowhere.',
    of: [['policies/timeout-run.ts', 'error === this', 'false']],
  },
  {
    why: 'Both sides count alike, so that only the difference matters.',
    of: [['policies/cpu-bound.ts', 'count + 1', 'count - 1']],
  },
];
