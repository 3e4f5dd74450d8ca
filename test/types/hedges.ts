/** What must compile of hedges. Compiled with the tests; nothing runs. */
import {
  type currentCall,
  type HedgeConfig,
  type HedgeDelay,
  type HedgeEvent,
  hedge,
  Orchestrator,
  type OrchestratorConfig,
  orchestrate,
  type PolicyDecorator,
  RetryBudget,
  type statsOf,
} from 'opero';

/** Compiles when the two types are the same. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
const same = <A, B>(_is: Same<A, B>): void => {};

class HttpError extends Error {
  readonly status: number = 500;
}

const config: HedgeConfig = { delay: 80, maxHedges: 2, on: [HttpError, (error) => error instanceof TypeError] };
const delay: HedgeDelay = (n) => 50 * n;
const shared: PolicyDecorator = hedge(80);
export const exact: PolicyDecorator<{ methodsOnly: 'hedge' }> = hedge(80);
const options: OrchestratorConfig = { hedge: config, retry: 3 };

export class Weather {
  station = 'Davos';

  @hedge(80)
  async byNumber(): Promise<void> {
    same<ReturnType<typeof currentCall>['hedge'], number>(true);
  }
  @hedge((n) => 10 * n)
  async byFunction(_city: string): Promise<number> {
    return 1;
  }
  @hedge(delay)
  static async byVariable(): Promise<void> {}
  @hedge(config)
  async byConfig(_city: string): Promise<void> {}
  @shared
  async byDecorator(): Promise<void> {}
  @hedge({ delay: 80, budget: new RetryBudget(), on: async (error: HttpError) => error.status === 503 })
  async #matching(): Promise<void> {}
  @hedge({
    delay(n, { method, attempt }) {
      same<typeof n, number>(true);
      same<typeof method, string>(true);
      return attempt * n;
    },
    onHedge: ({ hedge: nth, delay: waited, error, args }) => {
      same<typeof nth, number>(true);
      same<typeof waited, number>(true);
      same<typeof error, unknown>(true);
      return args;
    },
  })
  async told(): Promise<void> {}
  @hedge<Weather, [city: string]>({
    delay(_n, { args: [city] }) {
      return city.length + this.station.length;
    },
    on(error, { args: [city] }) {
      return error !== city;
    },
    onHedge({ args: [city] }) {
      return this.station + city;
    },
  })
  async typed(_city: string): Promise<void> {}
  @hedge({ delay: 5, onHedge: ({ args: [city] }: HedgeEvent<[city: string]>) => city.length })
  async annotated(_city: string): Promise<void> {}
  @orchestrate({ hedge: 80 })
  async orchestrated(): Promise<void> {}
  @orchestrate({ hedge: (n) => n })
  async orchestratedByFunction(): Promise<void> {}
  @orchestrate({
    hedge: {
      delay: 5,
      onHedge(this: Weather, { args: [city] }: HedgeEvent<[string]>) {
        return this.station + city;
      },
    },
  })
  async orchestratedHooks(_city: string): Promise<void> {}
  @orchestrate(options)
  async ofOptions(): Promise<void> {}

  matching(): Promise<void> {
    return this.#matching();
  }
}

export const hedged = new Orchestrator({ hedge: { delay: 80 } });
same<ReturnType<typeof statsOf>['hedges' | 'hedgeWins'], number>(true);
