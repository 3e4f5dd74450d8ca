// Makes calls of Crm from a process of its own. Arguments: what to do, and of how many calls.
import { Crm } from './crm.js';

const [deed, count = 1] = process.argv.slice(2).map((each) => JSON.parse(each)) as [string, number?];
const tell = (what: string): void => void process.send?.({ what });
const crm = new Crm();

const deeds: Record<string, () => Promise<void>> = {
  /** And ends by itself. */
  async echo() {
    const values = Array.from({ length: count }, (_, at) => at);
    const results = await Promise.all(values.map((at) => crm.echo(at)));
    tell(results.every((each, at) => each === at) ? 'right' : 'wrong');
    process.disconnect?.();
  },
  async hold() {
    const holding = crm.hold('a');
    tell('called');
    tell(await holding);
    process.disconnect?.();
  },
  /** Gives up while Redis is not there. */
  async leave() {
    await crm.hang('a', { signal: AbortSignal.timeout(100) }).catch((error) => tell(error.name));
    process.disconnect?.();
  },
};

await deeds[deed]?.();
