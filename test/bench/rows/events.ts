import { AsyncLocalStorage } from 'node:async_hooks';
import { tracingChannel } from 'node:diagnostics_channel';
import { on, recordLatency } from 'opero';
import { childNumber } from '../children.js';
import { inTurns, keep, median, sequential, timeOf } from '../measure.js';
import { rowsOf, type Section } from '../section.js';
import { service } from './service.js';

/** What may listen to a call; the latency takes both times of it, as a consumer of metrics does. */
const listeners = {
  'nobody listens': () => {},
  "on('retry')": () => on('retry', () => keep(1)),
  "on('call')": () => on('call', ({ callId }) => keep(callId)),
  "on('call') and on('attempt')": () => {
    on('call', ({ callId }) => keep(callId));
    on('attempt', ({ callId }) => keep(callId));
  },
  'recordLatency(true)': () => recordLatency(true),
  'a store bound to each attempt': () => tracingChannel('opero:attempt').start.bindStore(new AsyncLocalStorage()),
} satisfies Record<string, () => unknown>;

export type Listening = keyof typeof listeners;

/** What a call takes, in nanoseconds, in the process that calls this: what once listened changes what V8 knows. */
export async function heard(listening: Listening): Promise<number> {
  listeners[listening]();
  const task = sequential((value) => service.three(value));
  const count = 20_000;
  for (let round = 0; round < 10; round++) await task(count);
  const times: number[] = [];
  for (let round = 0; round < 25; round++) times.push(((await timeOf(task, count)) * 1e6) / count);
  return median(times);
}

export const eventSections: Section[] = [
  {
    title: 'events: a call through three policies',
    async measure({ quick }) {
      const names = Object.keys(listeners) as Listening[];
      const measures = names.map((name): [Listening, () => Promise<number>] => [
        name,
        () => childNumber('events', name),
      ]);
      const times = await inTurns(
        Object.fromEntries(measures) as Record<Listening, () => Promise<number>>,
        quick ? 1 : 5,
      );
      return { rows: rowsOf(times), reference: 'nobody listens' };
    },
  },
];
