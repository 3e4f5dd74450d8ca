/** What must compile of `rotate`. Compiled with the tests; nothing runs. */
import {
  type FallbackConfig,
  fallback,
  Orchestrator,
  type OrchestratorConfig,
  orchestrate,
  type RotateConfig,
  type RotatedArgument,
} from 'opero';

type Host = 'eu.example' | 'us.example';

interface Options {
  readonly apiKey?: string | undefined;
  readonly headers?: { readonly authorization: string };
  readonly signal?: AbortSignal;
}

const hosts: readonly Host[] = ['eu.example', 'us.example'];
const someStrings: string[] = [];
const place: RotatedArgument = [0, 'apiKey'];
const rotate: RotateConfig<string> = { argument: 0, values: ['a', 'b'], start: 'next' };
const config: FallbackConfig = { rotate: { argument: 0, values: ['a', 'b'] } };
const all: OrchestratorConfig = { fallback: { rotate: { argument: [0, 'apiKey'], values: ['a'] } } };
const symbol = Symbol('key');

export class Rotated {
  readonly keys: readonly string[] = [];

  @fallback({ rotate: { argument: 0, values: ['eu.example', 'us.example'] } })
  async text(_host: string): Promise<void> {}
  @fallback({ rotate: { argument: 0, values: ['eu.example', 'us.example'], start: 'next' } })
  async literals(_host: Host): Promise<void> {}
  @fallback({ rotate: { argument: 0, values: hosts, start: 'given' } })
  async constants(_host: Host): Promise<void> {}
  @fallback({ rotate: { argument: 0, values: someStrings } })
  async wide(_host: string): Promise<void> {}
  @fallback({ rotate: { argument: 1, values: ['us.example'] } })
  async optional(_city: string, _host: Host = 'eu.example'): Promise<void> {}
  @fallback({ rotate: { argument: 0, values: [1, 2] } })
  async numbers(_n: number): Promise<void> {}
  @fallback({ rotate: { argument: 0, values: [{ host: 'eu', port: 1 }] } })
  async objects(_server: { host: string; port: number }): Promise<void> {}
  @fallback({ rotate: { argument: 0, values: [['a'], ['b', 'c']] } })
  async lists(_hosts: string[]): Promise<void> {}
  @fallback({ rotate: { argument: 0, values: ['a', undefined, null] } })
  async nullable(_host: string | null | undefined): Promise<void> {}
  @fallback({ rotate: { argument: [0, 'apiKey'], values: ['a', 'b'] } })
  async path(_options: Options): Promise<void> {}
  @fallback({ rotate: { argument: [1, 'headers', 'authorization'], values: ['a', 'b'] } })
  async deep(_city: string, _options?: Options): Promise<void> {}
  @fallback({ rotate: { argument: [0, 1], values: [1, 2] } })
  async inTuple(_pair: [string, number]): Promise<void> {}
  @fallback({ rotate: { argument: [0, symbol], values: [1, 2] } })
  async bySymbol(_options: { [symbol]: number }): Promise<void> {}
  @fallback({ rotate: { argument: [0, 'apiKey'], values: ['a'] } })
  async record(_options: Record<string, unknown>): Promise<void> {}
  @fallback({ rotate: { argument: 2, values: ['a'] } })
  async rest(_city: string, ..._hosts: string[]): Promise<void> {}
  @fallback({ rotate: { argument: 1, values: ['a'] } })
  async generic<T>(value: T, _host: string): Promise<T> {
    return value;
  }
  @fallback({ rotate: { argument: 0, values: (): Host[] => ['eu.example', 'us.example'] } })
  async byFunction(_host: Host): Promise<void> {}
  @fallback({ rotate: { argument: 1, values: (city: string) => new Set([city.length]) } })
  async ofArguments(_city: string, _size: number): Promise<void> {}
  @fallback({
    rotate: {
      argument: 1,
      *values(city: string) {
        yield `${city}.example`;
      },
    },
  })
  async generator(_city: string, _host: string): Promise<void> {}
  @fallback<Rotated, [host: string]>({
    rotate: {
      argument: 0,
      values() {
        return this.keys;
      },
    },
  })
  async withThis(_host: string): Promise<void> {}
  @fallback({ alternatives: ['text'], value: undefined, on: RangeError, rotate: { argument: 0, values: ['a'] } })
  async everything(_host: string): Promise<void> {}
  @fallback({ on: (_error: Error) => true, rotate: { argument: 0, values: ['a'] } })
  async withMatcher(_host: string): Promise<void> {}
  @fallback({ rotate: { argument: place, values: ['a'] } })
  async anyPlace(_options: Options): Promise<void> {}
  @fallback({ rotate })
  async anyRotate(_host: string): Promise<void> {}
  @fallback(config)
  async anyConfig(_host: string): Promise<void> {}
  @orchestrate(all)
  async anyPolicies(_options: Options): Promise<void> {}
  @orchestrate({ retry: 3, fallback: { alternatives: ['text'], rotate: { argument: 0, values: ['eu.example'] } } })
  async orchestrated(_host: Host): Promise<void> {}
  @orchestrate({ fallback: { rotate: { argument: 0, values: () => ['eu.example', 'us.example'] } } })
  async orchestratedLiterals(_host: Host): Promise<void> {}
  @orchestrate({ fallback: { rotate: { argument: 1, values: (city: string) => [city] } } })
  async orchestratedFunction(_city: string, _host: string): Promise<void> {}
  @fallback({ rotate: { argument: 0, values: ['a'] } })
  static async ofClass(_host: string): Promise<void> {}
  @fallback({ rotate: { argument: 0, values: ['a'] } })
  async #hidden(_host: string): Promise<void> {}
  // biome-ignore lint/suspicious/noExplicitAny: what is to compile
  @fallback({ rotate: { argument: [0, 'x'], values: ['a'] } }) async any(_host: any): Promise<void> {}
  used(): Promise<void> {
    return this.#hidden('a');
  }
}

export const orchestrator = new Orchestrator({
  fallback: { rotate: { argument: 0, values: ['a', 'b'], start: 'next' } },
});
