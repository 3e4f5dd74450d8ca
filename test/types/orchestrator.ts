/** What must compile of functions without decorators. Compiled with the tests; nothing runs here. */
import { type AllFailedError, FallbackChain, Orchestrator, type RejectedError } from 'opero';

/** Compiles when the two types are the same. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
const same = <A, B>(_is: Same<A, B>): void => {};

export async function chains(): Promise<void> {
  const later = new FallbackChain(
    async (_id: number) => {
      throw new Error('down');
    },
    [async (_id: number) => 'cached', () => 'last'],
  );
  same<typeof later, FallbackChain<[_id: number], string>>(true);
  const text = await later.execute(1);
  same<typeof text, string>(true);
  const size = await new FallbackChain((): never => {
    throw new Error('down');
  }, [() => 2]).execute();
  same<typeof size, number>(true);
  const inferred = await new FallbackChain(() => {
    throw new Error('down');
  }, [() => 2]).execute();
  same<typeof inferred, number>(true);
  const price = new FallbackChain(async (_id: string) => 1, [async () => 2, () => 3]);
  same<Awaited<ReturnType<typeof price.execute>>, number>(true);
  const nullable = await new FallbackChain(async (): Promise<string | null> => 'a', [() => null]).execute();
  same<typeof nullable, string | null>(true);
}

export async function several(): Promise<void> {
  const orchestrator = new Orchestrator();
  const mixed = await orchestrator.process([(n: number) => n, (n: number) => String(n)], [1]);
  same<typeof mixed, (string | number)[]>(true);
  const later = await orchestrator.process([async (n: number) => n, (n) => String(n)], [1]);
  same<typeof later, (string | number)[]>(true);
  const inferred = await orchestrator.process([(n) => n, (n) => -n], [1]);
  same<typeof inferred, number[]>(true);
  const one = await orchestrator.process((n) => `${n}`, new Set([1]));
  same<typeof one, string[]>(true);
  const none = await orchestrator.process([], [1]);
  same<typeof none, never[]>(true);
  const generic = await orchestrator.process(<T>(value: T) => value, [1]);
  same<typeof generic, number[]>(true);
}

/** Whatever gives no generator of its own is taken, and so is what nothing is known of. */
export async function functions(unknown: (...args: never[]) => unknown, all: readonly number[]): Promise<void> {
  const orchestrator = new Orchestrator();
  const texts: string[] = await orchestrator.execute(async () => ['a']);
  const iterator = await orchestrator.execute(() => all.values());
  same<typeof iterator, ReturnType<typeof all.values>>(true);
  const parsed: unknown = await orchestrator.execute(JSON.parse, '1');
  const known = await orchestrator.execute(unknown);
  same<typeof known, unknown>(true);
  const never = orchestrator.wrap((): never => {
    throw new Error('down');
  });
  same<ReturnType<typeof never>, Promise<never>>(true);
  const generic = await orchestrator.execute(<T>(value: T) => value, 1);
  void [texts, parsed, generic];
}

export function errors(rejected: RejectedError, failed: AllFailedError): void {
  same<typeof rejected.policy, string>(true);
  same<typeof failed.errors, AggregateError['errors']>(true);
  same<typeof failed.cause, unknown>(true);
}
