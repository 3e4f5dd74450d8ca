/** What must compile of circuit breakers. Compiled with the tests; nothing runs. */
import {
  type CircuitBreakerConfig,
  type CircuitEvent,
  type CircuitHandle,
  type CircuitState,
  circuitBreaker,
  circuitOf,
  type EndIsolation,
  Orchestrator,
  type OrchestratorConfig,
  orchestrate,
} from 'opero';

/** Compiles when the two types are the same. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
const same = <A, B>(_is: Same<A, B>): void => {};

class HttpError extends Error {
  readonly status: number = 500;
}

export class Weather {
  station = 'Davos';

  @circuitBreaker(5)
  async inARow(): Promise<void> {}
  @circuitBreaker()
  async bare(): Promise<void> {}
  @circuitBreaker({})
  async byDefault(_city: string): Promise<number> {
    return 1;
  }
  @circuitBreaker({
    failureRatio: 0.5,
    window: 1_000,
    minCalls: 10,
    halfOpenAfter: 100,
    halfOpenCalls: 2,
    slowAfter: 50,
  })
  static async byRatio(): Promise<void> {}
  @circuitBreaker({
    consecutive: 3,
    failOn: [HttpError, (error) => error instanceof TypeError],
    ignore: (error: HttpError) => error.status === 404,
    halfOpenAfter: (opening, error) => {
      same<typeof opening, number>(true);
      same<typeof error, unknown>(true);
      return opening * 100;
    },
  })
  async matching(): Promise<void> {}
  @circuitBreaker({ failResult: (value: string) => value === 'busy', key: (city: string) => city, scope: 'instance' })
  async keyed(city: string, _days?: number): Promise<string> {
    return city;
  }
  @circuitBreaker({
    onStateChange: ({ from, to, error, method, attempt }) => {
      same<typeof from, CircuitState>(true);
      same<typeof to, CircuitState>(true);
      same<typeof error, unknown>(true);
      console.log(method, attempt);
    },
  })
  async hooked(): Promise<void> {}
  @circuitBreaker<Weather, [city: string]>({
    onStateChange({ args: [city] }) {
      same<typeof city, string | undefined>(true);
      same<typeof this, Weather | undefined>(true);
      console.log(this?.station);
    },
  })
  async typed(_city: string): Promise<void> {}
  @circuitBreaker({
    onStateChange(this: Weather | undefined, { args }: CircuitEvent<[city: string]>) {
      same<(typeof args)[0], string | undefined>(true);
      console.log(this?.station, args[0]);
    },
  })
  async annotated(_city: string): Promise<void> {}
  @circuitBreaker(2)
  async #hidden(): Promise<void> {}
  @orchestrate({ circuitBreaker: 5, retry: 3 })
  async orchestrated(): Promise<void> {
    await this.#hidden();
  }
  @orchestrate({ circuitBreaker: { failResult: (value: string) => value === '', key: (city: string) => city } })
  async orchestratedKey(city: string): Promise<string> {
    return city;
  }
}

const mark = Symbol('mark');

abstract class Secret {
  protected constructor() {}
  @circuitBreaker(5)
  async [mark](): Promise<void> {}
  @circuitBreaker(5)
  async 5(): Promise<void> {}
  @circuitBreaker(5)
  protected async guarded(): Promise<void> {}
  reset(): void {
    circuitOf(this, mark).reset();
    circuitOf(this, 'guarded' as string).reset();
  }
}

export class Box<T> {
  @circuitBreaker(5)
  async load(): Promise<T | undefined> {
    circuitOf(this, 'load').reset();
    circuitOf(Box, 'load').reset();
    return undefined;
  }
}

@circuitBreaker({ consecutive: 5 })
export class Whole {
  async load(): Promise<void> {}
}

declare const some: number | undefined;
export const whatever: CircuitBreakerConfig = { consecutive: some, halfOpenCalls: some };
export const ratio: CircuitBreakerConfig = { consecutive: undefined, failureRatio: some, window: some, minCalls: some };
const config: CircuitBreakerConfig = { consecutive: 5, key: () => 'all', ignore: HttpError };
const whole: OrchestratorConfig = { circuitBreaker: config };

export class FromVariables {
  @circuitBreaker(config)
  async one(): Promise<void> {}
  @orchestrate(whole)
  async two(): Promise<void> {}
}

export function byHand(weather: Weather): void {
  const circuit: CircuitHandle = circuitOf(weather, 'keyed', 'Davos');
  const end: EndIsolation = circuitOf(Weather, 'inARow').isolate();
  using _until = circuit.isolate();
  end();
  const counted: number = circuit.calls + circuit.failures;
  circuitOf(Weather, 'byRatio').reset();
  circuitOf(Weather, '#hidden').reset();
  circuitOf(weather, '#hidden').reset();
  circuitOf(Weather, 'static byRatio').reset();
  circuitOf(Weather, 'guarded' as string).reset();
  const { name }: { name: string } = Weather;
  circuitOf(Weather, name).reset();
  const anything: object = weather;
  circuitOf(anything, name).reset();
  circuitOf(Secret, mark).reset();
  circuitOf(Secret, 5).reset();
  const orchestrator = new Orchestrator({ circuitBreaker: 5 });
  const handles: CircuitHandle[] = [circuitOf(orchestrator), circuitOf(orchestrator, 'a key')];
  void [handles, new Orchestrator(whole), counted];
}
