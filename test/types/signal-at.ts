/** What must compile of `signalAt`. Compiled with the tests; nothing runs. */
import { Orchestrator, type OrchestratorConfig, orchestrate, type RetryEvent, type SignalPlace } from 'opero';

interface Options {
  readonly abortSignal?: AbortSignal | null;
  readonly more?: number;
}

const key = Symbol('signal');
const place: SignalPlace = { argument: 1, name: 'abortSignal' };
const config: OrchestratorConfig = { retry: 3, signalAt: { argument: 0 } };

export class Places {
  @orchestrate({ signalAt: { argument: 0 } })
  async first(_signal: AbortSignal): Promise<void> {}
  @orchestrate({ signalAt: { argument: 1 } })
  async optional(_id: string, _signal?: AbortSignal, _more?: number): Promise<void> {}
  @orchestrate({ signalAt: { argument: 1, name: undefined } })
  async nullable(_id: string, _signal: AbortSignal | null | undefined): Promise<void> {}
  @orchestrate({ signalAt: { argument: 1 } })
  async orText(_id: string, _signal: AbortSignal | string): Promise<void> {}
  @orchestrate({ retry: 3, signalAt: { argument: 1, name: 'abortSignal' } })
  async named(_id: string, _options?: Options): Promise<void> {}
  @orchestrate({ signalAt: { argument: 1, name: 'signal' } })
  async init(_id: string, _init: RequestInit | null): Promise<void> {}
  @orchestrate({ signalAt: { argument: 0, name: key } })
  async byKey(_options: { [key]?: AbortSignal }): Promise<void> {}
  @orchestrate({ signalAt: { argument: 0, name: 'signal' } })
  async record(_options: Record<string, unknown>): Promise<void> {}
  @orchestrate({ signalAt: { argument: 1 } })
  async rest(_id: string, ..._others: unknown[]): Promise<void> {}
  @orchestrate({ signalAt: { argument: 2 } })
  async signals(_id: string, ..._signals: AbortSignal[]): Promise<void> {}
  // biome-ignore lint/suspicious/noExplicitAny: what is to compile
  @orchestrate({ signalAt: { argument: 0, name: 'signal' } }) async any(_options: any): Promise<void> {}
  @orchestrate({ signalAt: { argument: 0, name: 'signal' } })
  async unknown(_options: unknown): Promise<void> {}
  @orchestrate({ signalAt: { argument: 1, name: 'abortSignal' } })
  async generic<T>(value: T, _options?: Options): Promise<T> {
    return value;
  }
  @orchestrate({ signalAt: { argument: 1, name: 'abortSignal' } })
  async #hidden(_id: string, _options: Options): Promise<void> {}
  @orchestrate({ signalAt: place })
  async anyPlace(_id: string): Promise<void> {}
  @orchestrate(config)
  async anyConfig(_id: string): Promise<void> {}
  @orchestrate<Places, [id: string]>({ signalAt: { argument: 1 } })
  async byTypeArguments(_id: string): Promise<void> {}
  @orchestrate({
    signalAt: { argument: 1, name: 'abortSignal' },
    fallback: ['named'],
    retry: {
      onRetry({ args: [id] }: RetryEvent<[id: string]>) {
        return id;
      },
    },
  })
  async withHooks(_id: string, _options?: Options): Promise<void> {}
  used(): Promise<void> {
    return this.#hidden('', {});
  }
}

export class Box<T> {
  @orchestrate({ signalAt: { argument: 1, name: 'signal' } })
  async load(_value: T, _options: { value?: T; signal?: AbortSignal }): Promise<void> {}
  @orchestrate({ signalAt: { argument: 0 } })
  async bare(_value: T): Promise<void> {}
  @orchestrate({ signalAt: { argument: 0, name: 'signal' } })
  async inBare(_value: T): Promise<void> {}
  @orchestrate({ signalAt: { argument: 0, name: 'signal' } })
  async object(_value: object | string): Promise<void> {}
}

@orchestrate({ retry: 3, signalAt: { argument: 1 } })
export class Whole {
  async load(_id: string, _signal?: AbortSignal): Promise<void> {}
}

export const orchestrator = new Orchestrator({ signalAt: { argument: 0 } });
