import { concurrency, fallback, retry } from 'opero';
import { childNumber, importTime } from '../children.js';
import { inTurns, keep, median } from '../measure.js';
import { cockatiel, folderOf } from '../newest.js';
import { rowsOf, type Section, slownessBy } from '../section.js';

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
  cockatiel.wrap(
    cockatiel.fallback(cockatiel.handleAll, () => 0),
    cockatiel.retry(cockatiel.handleAll, { maxAttempts: 2, backoff: new cockatiel.ConstantBackoff(1) }),
    cockatiel.bulkhead(10, 1000),
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

const memoryOf = (thing: string) => (): Promise<number> => childNumber('memory', thing);

const waitingSection: Section = {
  title: 'memory of a caller who waits for a slot',
  async measure({ quick }) {
    const peers = Object.fromEntries(
      ['opero', 'p-limit', 'p-queue', 'cockatiel'].map((name) => [name, memoryOf(name)]),
    );
    const values = await inTurns({ ...peers, 'a pending promise alone': memoryOf('promise') }, quick ? 1 : 3);
    return { rows: rowsOf(values, 'bytes') };
  },
};

const instanceSection: Section = {
  title: 'memory of an instance',
  async measure({ quick }) {
    const values = await inTurns({ opero: memoryOf('decorated'), 'a plain class': memoryOf('plain') }, quick ? 1 : 3);
    return {
      rows: rowsOf(values, 'bytes'),
      figures: { perInstance: Math.max(0, values.opero - values['a plain class']) },
    };
  },
};

/** Importing cockatiel, on the machine and the Node that the targets were set on, in milliseconds. */
const quietCockatiel = 17;

/** What opero depends on, but tinypool and cli-progress. */
const dependencies = ['reflect-metadata', 'async-sema', 'exponential-backoff'];
/** Of these, the modules that opero really loads. */
const loaded = [
  'reflect-metadata/lite',
  'exponential-backoff/dist/options.js',
  'exponential-backoff/dist/jitter/jitter.factory.js',
];

const importSection: Section = {
  title: 'import, in a process of its own',
  async measure() {
    const times = await inTurns(
      {
        opero: () => importTime('opero'),
        'its dependencies alone': () => importTime(...dependencies),
        'the parts of them that it loads': () => importTime(...loaded),
        'reflect-metadata alone': () => importTime('reflect-metadata'),
        cockatiel: async () => importTime(await folderOf('cockatiel')),
        nothing: () => importTime(),
      },
      25,
    );
    return {
      rows: rowsOf(times, 'ms'),
      slowness: slownessBy(times.cockatiel, quietCockatiel),
      figures: { importTime: times.opero - times['its dependencies alone'] },
      notes: [
        `beyond the parts that it loads: ${(times.opero - times['the parts of them that it loads']).toFixed(2)} ms`,
      ],
    };
  },
};

export const setupSections: Section[] = [compileSection, waitingSection, instanceSection, importSection];
