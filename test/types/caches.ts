/** What must compile of caches and single flights. Compiled with the tests; nothing runs. */
import {
  type CacheConfig,
  type CacheHandle,
  cache,
  cacheOf,
  configure,
  type HookContext,
  isTransient,
  Orchestrator,
  type OrchestratorConfig,
  orchestrate,
  type ResultSharingConfig,
  type SingleFlightConfig,
  type StaleIfErrorConfig,
  singleFlight,
} from 'opero';

/** Compiles when the two types are the same. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
const same = <A, B>(_is: Same<A, B>): void => {};

interface Forecast {
  readonly degrees: number;
}

export class Weather {
  station = 'Davos';

  @cache(60_000)
  async forecast(_city: string, _options?: { signal?: AbortSignal }): Promise<Forecast> {
    return { degrees: 4 };
  }
  @cache({ ttl: 0, max: 5, scope: 'class', staleWhileRevalidate: 5, staleIfError: { for: 5, on: [TypeError] } })
  async all(): Promise<void> {}
  @cache({ ttl: 5, staleIfError: { for: 5, on: isTransient }, key: (city: string) => city })
  async keyed(_city: string, _days?: number): Promise<string> {
    return '';
  }
  @cache({
    ttl: 5,
    key(this: Weather, city: string) {
      return this.station + city;
    },
  })
  async byStation(_city: string): Promise<void> {}
  @cache({ ttl: 5, cacheResult: (value: string | undefined) => value !== undefined })
  async some(): Promise<string | undefined> {
    return undefined;
  }
  @cache<Weather, [city: string], number>({
    ttl: 5,
    key(city) {
      same<typeof city, string>(true);
      return this.station + city;
    },
    cacheResult(value, { args: [city], method }) {
      same<typeof value, number>(true);
      same<typeof city, string>(true);
      return method !== this.station;
    },
    staleIfError: {
      for: 5,
      on(error, { args: [city] }) {
        same<typeof city, string>(true);
        return error === this.station;
      },
    },
  })
  async typed(_city: string): Promise<number> {
    return 4;
  }
  @cache({ ttl: 5, cacheResult: (value: number, { args }: HookContext<[city: string]>) => args[0] !== '' && value > 0 })
  async annotated(_city: string): Promise<number> {
    return 4;
  }
  @cache(5)
  static async make(_n: number): Promise<Weather> {
    return new Weather();
  }
  @cache(5)
  async #hidden(): Promise<void> {}
  @singleFlight()
  async one(_city: string): Promise<void> {
    await this.#hidden();
  }
  @singleFlight({ key: (city: string) => city, scope: 'class' })
  async keyedFlight(_city: string): Promise<void> {}
  @singleFlight({
    key(this: Weather) {
      return this.station;
    },
  })
  async flightByStation(_city: string): Promise<void> {}
  @orchestrate({ cache: 5, retry: 3 })
  async orchestrated(): Promise<void> {}
  @orchestrate({ cache: { ttl: 5, key: (city: string) => city, cacheResult: (value: string) => value !== '' } })
  async orchestratedCache(city: string): Promise<string> {
    return city;
  }
  @orchestrate({ singleFlight: { key: (city: string) => city } })
  async orchestratedFlight(_city: string): Promise<void> {}
  @orchestrate({ singleFlight: {} })
  async orchestratedBare(): Promise<void> {}
  @cache(5)
  maybe(): Promise<number> | undefined {
    return undefined;
  }
}

const mark = Symbol('mark');

abstract class Secret {
  protected constructor() {}
  @cache(5)
  async [mark](): Promise<number> {
    return 1;
  }
  @cache(5)
  protected async guarded(): Promise<void> {}
  reset(): void {
    cacheOf(this, mark).clear();
    cacheOf(this, 'guarded' as string).clear();
  }
}

export class Box<T> {
  @cache(5)
  async load(): Promise<T | undefined> {
    cacheOf(this, 'load').clear();
    return undefined;
  }
}

const config: CacheConfig = { ttl: 5, key: () => 'all', max: 5 };
const flight: SingleFlightConfig<[city: string]> = { key: (city) => city };
export const sharing: ResultSharingConfig<[city: string]> = flight;
export const stale: StaleIfErrorConfig = { for: 5 };
const whole: OrchestratorConfig = { cache: config };

export class FromVariables {
  @cache(config)
  async one(): Promise<void> {}
  @orchestrate(whole)
  async two(): Promise<void> {}
  @singleFlight(flight)
  async three(_city: string): Promise<void> {}
}

export function byHand(weather: Weather, box: Box<number>, secret: Secret): void {
  const forecasts = cacheOf(weather, 'forecast');
  same<typeof forecasts, CacheHandle<[_city: string, _options?: { signal?: AbortSignal } | undefined], Forecast>>(true);
  const key = forecasts.keyOf('Davos');
  const kept = forecasts.get(key);
  same<typeof kept, Forecast | undefined>(true);
  forecasts.set(key, { degrees: 5 });
  const size: number = forecasts.size;
  const isGone: boolean = forecasts.delete(key);
  forecasts.clear();
  cacheOf(Weather, 'all').set('', undefined);
  const made = cacheOf(Weather, 'make').get(cacheOf(Weather, 'make').keyOf(1));
  same<typeof made, Weather | undefined>(true);
  same<typeof made, ReturnType<ReturnType<typeof alsoMade>['get']>>(true);
  const hidden: unknown = cacheOf(weather, '#hidden').get('');
  const maybe = cacheOf(weather, 'maybe').get('');
  same<typeof maybe, number | undefined>(true);
  const loaded = cacheOf(box, 'load').get('');
  same<typeof loaded, number | undefined>(true);
  cacheOf(secret, mark).set('', 2);
  const { name }: { name: string } = Weather;
  const unknown: CacheHandle = cacheOf(weather, name);
  const orchestrator = new Orchestrator({ cache: 5 });
  const users = cacheOf(orchestrator, async (id: number) => String(id));
  const user = users.get(users.keyOf(5));
  same<typeof user, string | undefined>(true);
  const wrapped = cacheOf(
    orchestrator,
    orchestrator.wrap((id: number) => id),
  ).get('');
  same<typeof wrapped, number | undefined>(true);
  configure(Weather, 'forecast', { cache: 5 });
  configure(Weather, 'forecast', { cache: { max: 5 }, singleFlight: false });
  void [size, isGone, hidden, unknown, new Orchestrator(whole), new Orchestrator({ singleFlight: flight })];
}

const alsoMade = () => cacheOf(Weather, 'static make');
