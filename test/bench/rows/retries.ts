import { Circuit, Retry } from 'mollitia';
import { retry } from 'opero';
import { race, sequential } from '../measure.js';
import { cockatiel, pRetry } from '../newest.js';
import { rowsOf, type Section } from '../section.js';

const failure = new Error('twice');

/** Fails twice, then gives back its argument, and so on. */
function failing(): (value: number) => Promise<number> {
  let calls = 0;
  return async (value) => {
    if (++calls % 3 !== 0) throw failure;
    return value;
  };
}

class Flaky {
  readonly #work = failing();

  @retry({ maxAttempts: 3, waitMin: 0 })
  async call(value: number): Promise<number> {
    return await this.#work(value);
  }
}

export const retrySections: Section[] = [
  {
    title: 'a call that fails twice, then succeeds, with no wait',
    async measure({ quick }) {
      const flaky = new Flaky();
      const own = failing();
      const policy = cockatiel.retry(cockatiel.handleAll, {
        maxAttempts: 2,
        backoff: new cockatiel.ConstantBackoff(0),
      });
      const worked = failing();
      const again = failing();
      const circuit = new Circuit({ func: failing(), options: { modules: [new Retry({ attempts: 2, interval: 0 })] } });
      const byHand = async (value: number): Promise<number> => {
        for (let attempt = 1; ; attempt++) {
          try {
            return await own(value);
          } catch (error) {
            if (attempt === 3) throw error;
          }
        }
      };
      const times = await race(
        {
          opero: sequential((value) => flaky.call(value)),
          'a loop by hand': sequential(byHand),
          'p-retry': sequential((value) => pRetry(() => worked(value), { retries: 2, minTimeout: 0, maxTimeout: 0 })),
          cockatiel: sequential((value) => policy.execute(() => again(value))),
          mollitia: sequential((value) => circuit.execute(value)),
        },
        { rounds: quick ? 8 : 25 },
      );
      return { rows: rowsOf(times) };
    },
  },
];
