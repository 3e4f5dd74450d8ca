import {
  bulkhead,
  ConstantBackoff,
  fallback as cockatielFallback,
  retry as cockatielRetry,
  handleAll,
  wrap,
} from 'cockatiel';
import { concurrency, fallback, retry } from 'opero';
import { childNumber, importTime } from '../children.js';
import { keep, median } from '../measure.js';
import { rowsOf, type Section } from '../section.js';

function freshClass() {
  class Fresh {
    @fallback('other')
    @retry(3)
    @concurrency(10)
    async call(value: number): Promise<number> {
      return value;
    }
    async other(value: number): Promise<number> {
      return value;
    }
  }
  return Fresh;
}

function plainClass() {
  class Fresh {
    async call(value: number): Promise<number> {
      return value;
    }
    async other(value: number): Promise<number> {
      return value;
    }
  }
  return Fresh;
}

const freshPolicy = () =>
  wrap(
    cockatielFallback(handleAll, () => 0),
    cockatielRetry(handleAll, { maxAttempts: 2, backoff: new ConstantBackoff(1) }),
    bulkhead(10, 1000),
  );

const compileSection: Section = {
  title: 'three policies on a fresh class: what comes once',
  async measure({ quick }) {
    const times: Record<string, number[]> = {};
    const note = (name: string, begin: number): number => {
      times[name] ??= [];
      times[name].push(performance.now() - begin);
      return performance.now();
    };
    const rounds = quick ? 300 : 1500;
    for (let round = 0; round < rounds; round++) {
      let at = performance.now();
      const Fresh = freshClass();
      at = note('opero, class definition', at);
      const fresh = new Fresh();
      at = note('opero, first construction', at);
      keep(await fresh.call(round));
      at = note('opero, first call', at);
      keep(await fresh.call(round));
      at = note('opero, second call', at);
      const Plain = plainClass();
      at = note('a plain class, definition', at);
      keep(await new Plain().call(round));
      at = note('a plain class, first construction and call', at);
      const policy = freshPolicy();
      at = note('cockatiel, wrap', at);
      keep(await policy.execute(() => fresh.other(round)));
      note('cockatiel, first call', at);
    }
    const medians = Object.entries(times).map(([name, each]) => [name, median(each.slice(rounds / 5)) * 1e6]);
    return { rows: rowsOf(Object.fromEntries(medians)), reference: 'opero, first call' };
  },
};

async function medianOf(rounds: number, run: () => Promise<number>): Promise<number> {
  const values: number[] = [];
  for (let i = 0; i < rounds; i++) values.push(await run());
  return median(values);
}

const waitingSection: Section = {
  title: 'memory of a caller who waits for a slot',
  async measure({ quick }) {
    const rounds = quick ? 1 : 3;
    const names = ['opero', 'p-limit', 'p-queue', 'cockatiel'];
    const values: Record<string, number> = {};
    for (const name of names) values[name] = await medianOf(rounds, () => childNumber('memory', name));
    values['a pending promise alone'] = await medianOf(rounds, () => childNumber('memory', 'promise'));
    return { rows: rowsOf(values, 'bytes') };
  },
};

const instanceSection: Section = {
  title: 'memory of an instance',
  async measure({ quick }) {
    const rounds = quick ? 1 : 3;
    const decorated = await medianOf(rounds, () => childNumber('memory', 'decorated'));
    const plain = await medianOf(rounds, () => childNumber('memory', 'plain'));
    return {
      rows: rowsOf({ opero: decorated, 'a plain class': plain }, 'bytes'),
      figures: { perInstance: Math.max(0, decorated - plain) },
    };
  },
};

const dependencies = ['reflect-metadata', 'async-sema', 'exponential-backoff'];
/** Of these, the modules that opero really loads. */
const loaded = [
  'reflect-metadata/lite',
  'async-sema',
  'exponential-backoff/dist/options.js',
  'exponential-backoff/dist/jitter/jitter.factory.js',
];

const importSection: Section = {
  title: 'import, in a process of its own',
  async measure({ quick }) {
    const sets: Record<string, string[]> = {
      opero: ['opero'],
      'its dependencies alone': dependencies,
      'the parts of them that it loads': loaded,
      'reflect-metadata alone': ['reflect-metadata'],
      cockatiel: ['cockatiel'],
      nothing: [],
    };
    const times: Record<string, number[]> = {};
    for (let round = 0; round < (quick ? 9 : 25); round++) {
      for (const [name, modules] of Object.entries(sets)) {
        times[name] ??= [];
        times[name].push(await importTime(...modules));
      }
    }
    const medians = Object.fromEntries(Object.entries(times).map(([name, each]) => [name, median(each)]));
    return {
      rows: rowsOf(medians, 'ms'),
      figures: { importTime: medians.opero - medians['its dependencies alone'] },
      notes: [
        `beyond the parts that it loads: ${(medians.opero - medians['the parts of them that it loads']).toFixed(2)} ms`,
      ],
    };
  },
};

export const setupSections: Section[] = [compileSection, waitingSection, instanceSection, importSection];
