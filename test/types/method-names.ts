/** What must compile of the names of methods that functions take. Compiled with the tests; nothing runs. */
import {
  cache,
  circuitOf,
  configure,
  fallback,
  hedge,
  policiesOf,
  type RetryEvent,
  retry,
  singleFlight,
  statsOf,
} from 'opero';
import { failTimes, withoutPolicies } from 'opero/testing';

const mark = Symbol('mark');

class Weather {
  @retry(3)
  async forecast(): Promise<void> {
    statsOf(this, 'forecast');
    policiesOf(this, '#hidden');
    await this.#hidden();
    failTimes(this, 'guarded' as string, 1, undefined);
  }
  @retry(3)
  static async open(): Promise<void> {
    configure(Weather, 'open', {});
    statsOf(Weather, 'static open');
  }
  @retry(3)
  async 42(): Promise<void> {}
  @retry(3)
  async [mark](): Promise<void> {}
  @retry(3)
  protected async guarded(): Promise<void> {}
  @retry(3)
  async #hidden(): Promise<void> {}
}

/** Names that are numbers: the compiler tells a decorator in the new form nothing of their class. */
export class Numbered {
  @cache(1000)
  @hedge(5)
  async 1(): Promise<void> {}
  @singleFlight({ key: (id: number) => `${id}` })
  async 2(_id: number): Promise<void> {}
  @fallback('cached')
  async 3(): Promise<string> {
    return '';
  }
  @fallback(4)
  async 5(): Promise<string> {
    return '';
  }
  @fallback({ alternatives: [(id: string) => id], value: '' })
  async 6(_id: string): Promise<string> {
    return '';
  }
  @retry({
    onRetry(this: Numbered, { args: [id] }: RetryEvent<[id: string]>) {
      void this.cached(id);
    },
  })
  async 7(_id: string): Promise<string> {
    return '';
  }
  async 4(): Promise<string> {
    return '';
  }
  async cached(_id = ''): Promise<string> {
    return '';
  }
}

class Alpine extends Weather {}

export class Box<T> {
  @retry(3)
  async load(): Promise<T | undefined> {
    statsOf(this, 'load');
    configure(Box, 'load', {});
    withoutPolicies(Box, 'load');
    return undefined;
  }
}

abstract class Base {
  protected constructor() {}
  abstract load(): Promise<void>;
}

declare const either: 'forecast' | 'open';

export function literals(weather: Weather): void {
  for (const subject of [Weather, Alpine]) {
    statsOf(subject, 'forecast');
    policiesOf(subject, 'static open');
    configure(subject, '#hidden', {});
    configure(subject, '*', {});
    withoutPolicies(subject, 'open');
    failTimes(subject, 42, 1, undefined);
  }
  statsOf(weather, 'forecast');
  statsOf(weather, 42);
  statsOf(Weather, '42');
  policiesOf(Weather, mark);
  policiesOf(Weather, either);
  statsOf(Base, 'load');
  configure(Base, '*', {});
  configure(Weather, 'guarded' as string, {});
}

declare const dynamic: string;
declare const key: PropertyKey;
declare const textOrSymbol: string | symbol;

/** Of a name that may be any, nothing is known. */
export function names(weather: Weather): void {
  for (const name of [dynamic, key, textOrSymbol, Symbol('a')]) {
    statsOf(Weather, name);
    policiesOf(weather, name);
    configure(Weather, name, {});
    withoutPolicies(Weather, name);
    failTimes(weather, name, 1, undefined);
  }
  statsOf(Weather, dynamic);
  configure(Weather, key, {});
  policiesOf(weather, textOrSymbol);
  circuitOf(weather, dynamic);
}

declare const some: object;
declare const someClass: abstract new (...args: never[]) => object;
declare const anyClass: { readonly prototype: object };
// biome-ignore lint/suspicious/noExplicitAny: what users may have
declare const anything: any;

/** Of what is given, nothing is known. */
export function subjects<Given extends object>(given: Given, name: keyof Given): void {
  statsOf(some, 'load');
  policiesOf(someClass, 'load');
  configure(someClass, 'load', {});
  configure(anyClass, 'load', {});
  withoutPolicies(anyClass, 'load');
  failTimes(some, 'load', 1, undefined);
  circuitOf(some, 'load');
  statsOf(anything, 'load');
  configure(anything, 'load', {});
  statsOf(given, name);
  statsOf(given, dynamic);
}

export function within<Given extends Weather>(given: Given): void {
  statsOf(given, 'forecast');
}
