import { childNumber } from '../children.js';
import { inTurns } from '../measure.js';
import { rowsOf, type Section, slownessBy } from '../section.js';

/** A call through retry that nobody sees, on the machine that the targets were set on, in nanoseconds. */
const quietRetry = 150;

/** Each in a process of its own: whoever is seen once is slower for good. */
const seenSection: Section = {
  title: 'a call through retry that somebody sees',
  async measure({ quick }) {
    const rounds = quick ? '60' : '200';
    const seen = (way: string) => () => childNumber('seen', way, rounds);
    const times = await inTurns(
      {
        opero: seen('not'),
        'with a listener to calls': seen('events'),
        'with metrics for Prometheus': seen('prometheus'),
        'with metrics by OpenTelemetry': seen('metrics'),
        'and a span of each call': seen('calls'),
        'and a span of each attempt, where one is enough': seen('attempts'),
      },
      quick ? 3 : 7,
    );
    return {
      rows: rowsOf(times),
      slowness: slownessBy(times.opero, quietRetry),
      figures: {
        metricsTime: times['with metrics by OpenTelemetry'] / 1000,
        spansTime: times['and a span of each attempt, where one is enough'] / 1000,
      },
    };
  },
};

export const seenSections: Section[] = [seenSection];
