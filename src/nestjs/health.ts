import { Injectable } from '@nestjs/common';
import { oneOf, readOptions } from '../core/options.js';
import { type OpenCircuits, openCircuits } from '../policies/open-circuits.js';

/** What a program is that has open circuits. */
type Consequence = 'down' | 'degraded' | 'up';

/**
 * What `isHealthy` takes.
 *
 * @example
 * const options: OperoHealthOptions = { openCircuits: 'degraded' };
 */
export interface OperoHealthOptions<Status extends Consequence = Consequence> {
  /**
   * What the program is while a circuit is open or isolated: `'down'`, `'degraded'`, which terminus knows from version 12
   * on, or `'up'`, which only lists it. Default: `'down'`.
   */
  readonly openCircuits?: Status;
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
}

const defaults = { openCircuits: 'down' } as const;

/**
 * Tells a health check of terminus which circuits are open. Half-open ones count as closed: they need calls to close.
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
   * Says whether a circuit is open, in this process.
   *
   * @param key The name that the health check gives it.
   * @param options `openCircuits` (`'down'`): what the program is while one is open.
   * @throws ConfigurationError when an option is wrong.
   * @example
   * indicator.isHealthy('opero', { openCircuits: 'degraded' });
   * // { opero: { status: 'degraded', openCircuits: [{ method: 'Weather.forecast', open: 1, isolated: 0 }] } }
   */
  isHealthy<const Key extends string, Status extends Consequence = 'down'>(
    key: Key,
    options: OperoHealthOptions<Status> = {},
  ): Record<Key, OperoHealth<Status | 'up'>> {
    const rules = { openCircuits: oneOf('down', 'degraded', 'up') };
    const where = { text: 'OperoHealthIndicator.isHealthy()' };
    const consequence = readOptions<Required<OperoHealthOptions>>(where, options, rules, defaults)
      .openCircuits as Status;
    const open = openCircuits();
    const health: Record<string, OperoHealth<Status | 'up'>> = {
      [key]: { status: open.length > 0 ? consequence : 'up', openCircuits: open },
    };
    return health as Record<Key, OperoHealth<Status | 'up'>>;
  }
}

Injectable()(OperoHealthIndicator);
