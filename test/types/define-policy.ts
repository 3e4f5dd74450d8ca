/** What must compile of `definePolicy`. Compiled with the tests; nothing runs. */
import {
  anything,
  callback,
  definePolicy,
  duration,
  flag,
  Orchestrator,
  oneOf,
  type PolicyCall,
  type PolicyDecorator,
  type PolicyFactory,
  positive,
  positiveInteger,
  type Rule,
} from 'opero';

/** Compiles when the two types are the same. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
const same = <A, B>(_is: Same<A, B>): void => {};

const port: Rule<number> = { allowed: 'a port number', test: (value) => Number(value) > 0 && Number(value) < 65_536 };

export const everything = definePolicy({
  kind: 'everything',
  stage: 'attempt',
  options: {
    level: oneOf('low', 'high'),
    most: positiveInteger,
    factor: positive,
    wait: duration,
    loud: flag,
    tell: callback as Rule<(method: string) => void>,
    logger: anything as Rule<Console>,
    whatever: anything,
    port,
  },
  defaults: { most: 3, factor: 0.5, loud: false, tell: undefined, level: 'low', port: 80 },
  state: () => ({ uses: 0, last: [] as string[] }),
  stats: { seen: 0 },
  around: async (next, { args, attempt, signal, method, self, options, state, stats }) => {
    same<typeof options.level, 'low' | 'high'>(true);
    same<typeof options.most, number>(true);
    same<typeof options.loud, boolean>(true);
    same<typeof options.tell, ((method: string) => void) | undefined>(true);
    same<typeof options.logger, Console>(true);
    same<typeof options.whatever, unknown>(true);
    same<typeof options.port, number>(true);
    same<typeof state, { uses: number; last: string[] }>(true);
    same<typeof args, readonly unknown[]>(true);
    same<typeof signal, AbortSignal | undefined>(true);
    same<typeof self, unknown>(true);
    stats.seen++;
    options.tell?.(`${method} ${attempt}`);
    state.last.push(method);
    const value = await next();
    same<typeof value, unknown>(true);
    return args.length === 0 ? value : next([...args, 1]);
  },
});

const needed = { wait: 5, logger: console, whatever: null };

export class Everything {
  @everything({ ...needed })
  async least(_id: number): Promise<void> {}
  @everything({ ...needed, level: 'high', scope: 'instance', key: (id: string) => id })
  async keyed(_id: string, _more?: number): Promise<void> {}
  @everything({ ...needed, key: () => 'all' })
  static async keyless(): Promise<void> {}
  @everything(needed)
  async #hidden(): Promise<void> {}
  used(): Promise<void> {
    return this.#hidden();
  }
}

const log = definePolicy({ kind: 'log', stage: 'call', around: (next) => next() });
const level = definePolicy({
  kind: 'level',
  stage: 'method',
  options: { level: oneOf('low', 'high') },
  defaults: { level: 'low' },
  around(next, call) {
    const count: number | undefined = call.stats.anything;
    call.stats.anything = (count ?? 0) + 1;
    same<typeof call.options, { readonly level: 'low' | 'high' }>(true);
    same<typeof call.state, undefined>(true);
    return next();
  },
});

@log()
@level()
export class Simple {
  @log()
  @level({ level: 'high' })
  async load(): Promise<void> {}
  @level({})
  @log({})
  async empty(): Promise<void> {}
}

declare module 'opero' {
  interface Policies {
    readonly everything: Parameters<typeof everything>[0];
    readonly level: Parameters<typeof level>[0];
  }
}
export const orchestrator = new Orchestrator({ everything: { ...needed, key: () => 'all' }, level: { level: 'high' } });

/** A rule of one's own, in place: the test may say what it lets through. */
export const inPlace = definePolicy({
  kind: 'inPlace',
  stage: 'call',
  options: {
    port: { allowed: 'a port number', test: (value): value is number => Number(value) > 0 && Number(value) < 65_536 },
    text: { allowed: 'a text', test: (value) => typeof value === 'string' },
    even: { allowed: 'an even number', test: (value) => Number(value) % 2 === 0 },
    level: oneOf('low', 'high'),
  },
  defaults: { port: 80, level: 'low' },
  around(next, { options }) {
    same<typeof options.port, number>(true);
    same<typeof options.even, unknown>(true);
    same<typeof options.level, 'low' | 'high'>(true);
    const text: unknown = options.text;
    return next([text]);
  },
});
export const used = inPlace({ port: 8080, text: '', even: 2 });

export const kept: PolicyDecorator[] = [log(), level()];
export const factory: PolicyFactory<{ level?: 'low' | 'high' }> = level;
export const describing = ({ method, options }: PolicyCall<{ level: string }>): string => `${method} ${options.level}`;
