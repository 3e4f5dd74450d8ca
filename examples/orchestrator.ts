/** The same policies without decorators, for plain functions: sync and async ones, mixed as needed. */
import { FallbackChain, Orchestrator } from 'opero';

function primary(n: number): string {
  if (n % 2 === 0) throw new Error(`${n} is even`);
  return `Primary: ${n}`;
}

async function secondary(n: number): Promise<string> {
  return `Fallback: ${n}`;
}

const orchestrator = new Orchestrator({
  retry: { maxAttempts: 2, waitMin: 5 },
  rateLimit: 50,
  concurrency: 2,
  fallback: [secondary],
});
console.log(await orchestrator.process(primary, [1, 2, 3, 4]));
console.log(await orchestrator.execute(primary, 6));

const resilient = orchestrator.wrap(primary);
console.log(resilient.name, await resilient(8));

const chain = new FallbackChain(primary, [
  async (n) => {
    if (n > 5) throw new Error('out of range');
    return `Second: ${n}`;
  },
  (n) => `Third: ${n}`,
]);
for (const n of [1, 2, 6]) console.log(await chain.execute(n));
console.log('failures:', orchestrator.stats.failures);
