import { Injectable } from '@nestjs/common';
import { oneOf, readOptions } from '../core/options.js';
import { type DownStore, downStores } from '../limits/stored/down-stores.js';
import { type OpenCircuits, openCircuits } from '../policies/open-circuits.js';

/** What a program is that has open circuits, or stores that are down. */
type Consequence = 'down' | 'degraded' | 'up';

/**
 * What `isHealthy` takes.
 *
 * @example
 * const options: OperoHealthOptions = { openCircuits: 'degraded' };
 */
export interface OperoHealthOptions<
  Circuits extends Consequence = Consequence,
  Stores extends Consequence = Consequence,
> {
  /**
   * What the program is while a circuit is open or isolated: `'down'`, `'degraded'`, which terminus knows from version 12
   * on, or `'up'`, which only lists it. Default: `'down'`.
   */
  readonly openCircuits?: Circuits;
  /**
   * The same while a store of limits does not answer, and calls go on as its `whenDown` says. Default: as `openCircuits`.
   */
  readonly downStores?: Stores;
}

/**
 * What `isHealthy` gives, under its key.
 *
 * @example
 * const { calls }: Record<'calls', OperoHealth> = indicator.isHealthy('calls');
 */
export interface OperoHealth<Status extends Consequence = Consequence> {
  /** What the program is. */
  readonly status: Status;
  /** The methods whose circuits let no call through, and how many of theirs do so: by key and instance there are several. */
  readonly openCircuits: readonly OpenCircuits[];
  /** The stores that do not answer; left out where all do. */
  readonly downStores?: readonly DownStore[];
}

const defaults = { openCircuits: 'down' } as const;

/** The worst comes first. */
const consequences: readonly Consequence[] = ['down', 'degraded', 'up'];

/**
 * Tells a health check of terminus which circuits are open, and which stores of limits are down. Half-open circuits count as
 * closed: they need calls to close.
 *
 * @example
 * import { Controller } from '@nestjs/common';
 * \@Controller('health')
 * class HealthController {
 *   constructor(readonly health: HealthCheckService, readonly opero: OperoHealthIndicator) {}
 *   check() { return this.health.check([() => this.opero.isHealthy('opero')]); }
 * }
 */
export class OperoHealthIndicator {
  /**
   * Says whether a circuit is open, or a store down, in this process.
   *
   * @param key The name that the health check gives it.
   * @param options `openCircuits` (`'down'`): what the program is while one is open; `downStores` (as
   * `openCircuits`): the same while a store does not answer.
   * @throws ConfigurationError when an option is wrong.
   * @example
   * indicator.isHealthy('opero', { openCircuits: 'degraded' });
   * // { opero: { status: 'degraded', openCircuits: [{ method: 'Weather.forecast', open: 1, isolated: 0 }] } }
   */
  isHealthy<const Key extends string, Circuits extends Consequence = 'down', Stores extends Consequence = Circuits>(
    key: Key,
    options: OperoHealthOptions<Circuits, Stores> = {},
  ): Record<Key, OperoHealth<Circuits | Stores | 'up'>> {
    type Status = Circuits | Stores | 'up';
    const rule = oneOf('down', 'degraded', 'up');
    const rules = { openCircuits: rule, downStores: rule };
    const where = { text: 'OperoHealthIndicator.isHealthy()' };
    const given = readOptions<Required<Pick<OperoHealthOptions, 'openCircuits'>> & OperoHealthOptions>(
      where,
      options,
      rules,
      defaults,
    );
    const [open, down] = [openCircuits(), downStores()];
    const now: Consequence[] = ['up'];
    if (open.length > 0) now.push(given.openCircuits);
    if (down.length > 0) now.push(given.downStores ?? given.openCircuits);
    const status = consequences.find((each) => now.includes(each)) as Status;
    const health: Record<string, OperoHealth<Status>> = {
      [key]: { status, openCircuits: open, ...(down.length > 0 && { downStores: down }) },
    };
    return health as Record<Key, OperoHealth<Status>>;
  }
}

Injectable()(OperoHealthIndicator);
