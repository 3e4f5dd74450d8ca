/** What must compile of `chaos`. Compiled with the tests; nothing runs. */
import {
  type Chaos,
  type ChaosConfig,
  chaos,
  configure,
  Orchestrator,
  type OrchestratorConfig,
  orchestrate,
  type Undo,
} from 'opero';

class HttpError extends Error {}

type Sky = 'sun' | 'rain';

const config: ChaosConfig = { rate: 0.5, latency: 10, error: new HttpError(), result: 5, random: Math.random };
const typed: ChaosConfig<string, unknown, [city: string]> = { result: (city) => city, latency: (city) => city.length };
const all: OrchestratorConfig = { chaos: { latency: 5 } };
const factory: Chaos = chaos;

@chaos()
export class Weather {
  readonly default: Sky = 'sun';

  @chaos()
  async bare(): Promise<void> {}
  @chaos({ rate: 0.1, latency: 300, error: new HttpError('503') })
  async values(_city: string): Promise<Sky> {
    return 'sun';
  }
  @chaos({ result: 'rain' })
  async literal(_city: string): Promise<Sky> {
    return 'sun';
  }
  @chaos({ result: undefined })
  async nothing(): Promise<Sky | undefined> {
    return 'sun';
  }
  @chaos({ result: () => 'rain' })
  async byFunction(_city: string): Promise<Sky> {
    return 'sun';
  }
  @chaos({ result: async (city: string) => city.length })
  async late(_city: string): Promise<number> {
    return 0;
  }
  @chaos({ result: [{ name: 'a' }] })
  async objects(): Promise<{ name: string; more?: number }[]> {
    return [];
  }
  @chaos({
    error: (city: string, _days: number) => (city === 'Davos' ? new HttpError() : undefined),
    latency: (city: string, days: number) => city.length * days,
  })
  async ofArguments(_city: string, _days: number): Promise<void> {}
  @chaos({
    error: () => {
      throw new HttpError();
    },
  })
  async thrown(): Promise<void> {}
  @chaos<Weather, [city: string]>({
    result() {
      return this.default;
    },
  })
  async withThis(_city: string): Promise<Sky> {
    return 'sun';
  }
  @chaos(config)
  async anyConfig(_city: string): Promise<string> {
    return '';
  }
  @chaos(typed)
  async typedConfig(_city: string): Promise<string> {
    return '';
  }
  @factory({ latency: 5 })
  static async ofClass(): Promise<void> {}
  @chaos({ latency: 5 })
  async #hidden(): Promise<void> {}
  @orchestrate(all)
  async orchestrated(): Promise<void> {}
  @orchestrate({ retry: 3, chaos: { result: 'rain', error: (city: string) => city.length } })
  async typedAll(_city: string): Promise<Sky> {
    return 'sun';
  }
  used(): Promise<void> {
    return this.#hidden();
  }
}

export const drill: Undo = chaos.enable();
export const switched: Undo = configure(Weather, 'bare', { chaos: {} });
export const changed: Undo = configure(Weather, '*', { chaos: { rate: 0.5, error: () => new HttpError() } });
export const off: Undo = configure(Weather, '*', { chaos: false });
export const orchestrator = new Orchestrator({ chaos: { latency: 5 } });
