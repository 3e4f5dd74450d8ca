import { failTimes, type Restore, resetState, withoutPolicies, withoutWaits } from 'opero/testing';

class Weather {
  protected constructor(readonly url: string) {}

  static make(): Weather {
    return new Weather('');
  }

  async forecast(): Promise<void> {}
}

abstract class Store {}

/** Not run: it has to compile. */
export function all(): void {
  const each: Restore[] = [
    withoutWaits(),
    withoutPolicies(),
    withoutPolicies(Weather),
    withoutPolicies(Store, Symbol.iterator),
    withoutPolicies(Weather, '#secret'),
    failTimes(Weather, 'forecast', 2, new Error('offline')),
    failTimes(Weather.make(), 'forecast', 2, (n) => new Error(`failure ${n.toFixed()}`)),
    failTimes(Weather.make(), 5, 2, 'offline'),
    failTimes(Weather, 'forecast', 1, undefined),
    failTimes(Weather, 'forecast', 1, { status: 503 }),
  ];
  resetState(Weather);
  resetState();
  using _ = each[0] as Restore;
  for (const restore of each) {
    restore();
    restore.restore();
  }
}
