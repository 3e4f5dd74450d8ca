import { parseArgs } from 'node:util';

const usage = 'usage: npm run demo -- [--seed N] [--quick] [--json] [--view], or npm run demo -- --redis [--json]';

/** What the command line asks for; where it asks for something else, the program ends with status 2. */
export function readOptions(): { seed: number; quick: boolean; json: boolean; view: boolean; redis: boolean } {
  try {
    const { values } = parseArgs({
      options: {
        seed: { type: 'string' },
        quick: { type: 'boolean' },
        json: { type: 'boolean' },
        view: { type: 'boolean' },
        redis: { type: 'boolean' },
      },
    });
    const seed = Number(values.seed ?? 1);
    if (!Number.isSafeInteger(seed) || seed < 0) throw new Error(`--seed must be a whole number, got ${values.seed}`);
    const { quick = false, json = false, view = false, redis = false } = values;
    if (redis && (quick || view || values.seed !== undefined)) throw new Error('--redis goes with --json alone');
    return { seed, quick, json, view, redis };
  } catch (error) {
    console.error(`${(error as Error).message}\n${usage}`);
    process.exit(2);
  }
}
