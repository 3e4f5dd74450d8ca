import type { Call } from '../core/call/call.js';
import { ChildCall } from '../core/call/child-call.js';
import { ownError } from '../core/call/own-errors.js';
import type { SiteInfo } from '../core/call/policy.js';
import type { SignalPlace } from '../core/call/signal-place.js';
import type { Around, Step } from '../core/call/step.js';
import type { SlotGate, SlotGrant } from '../limits/store.js';
import { advanceOf, weightOf } from '../limits/weighing.js';
import type { ConcurrencyOptions } from './concurrency-config.js';

/** Finds the limit of a call in its store. */
interface SlotSource {
  find(call: Call): SlotGate;
  /** The most that one call could ever ask for. */
  readonly most: number;
}

/** A call that holds a slot of a limit in a store. It is aborted when the lease of that is lost. */
class LeasedCall extends ChildCall {
  private cut: ((reason: unknown) => void) | undefined = undefined;

  constructor(
    parent: Call,
    private readonly grant: SlotGrant,
    private readonly site: SiteInfo,
  ) {
    super(parent);
    // The permit of a limit around counts from where the code is entered.
    this.starting = parent.starting;
    parent.starting = undefined;
  }

  override get signalAt(): SignalPlace | undefined {
    return this.site.signalAt;
  }

  override get fence(): number | undefined {
    return this.grant.fence ?? super.fence;
  }

  /** Goes on beneath; settles with what comes of that, or at once with why it is given up while its code runs. */
  run(around: Around): Promise<unknown> {
    return new Promise((resolve, reject) => {
      this.cut = reject;
      around.next(this).then(resolve, reject);
    });
  }

  override abort(reason: unknown, by = this.parent.abortedBy ?? 'policy'): void {
    if (this.aborted) return;
    // What has not entered the code ends by itself, and gives back what it took on its way out.
    if (this.hasStarted) this.cut?.(reason);
    super.abort(reason, by);
  }

  /** All that lies beneath has really ended. */
  override ended(): void {
    this.grant.onLost = undefined;
    if (this.parent.starting === undefined) this.parent.starting = this.starting;
    this.starting = undefined;
    this.grant.giveBack();
  }
}

/** The step of a limit in a store: what lies beneath is a call of its own, as it may lose its slot while it runs. */
export function leasedStep(
  source: SlotSource,
  options: () => ConcurrencyOptions,
  around: Around,
  site: SiteInfo,
): Step {
  const onward = {
    async next(call: Call): Promise<unknown> {
      const slots = call.keptAt(around.place) as SlotGate;
      const grant = slots.grantOf(call);
      if (call.aborted) {
        grant.giveBack();
        return await around.fail(call.reason, call);
      }
      const run = new LeasedCall(call, grant, site);
      call.waiting = run;
      let hasToWaitAgain = false;
      if (options().onLost !== 'continue') {
        grant.onLost = (error) => {
          // One that waits for its permit, or another slot, has not begun.
          hasToWaitAgain = run.waiting?.isForPlace === true;
          run.abort(ownError(error, site), 'policy');
        };
      }
      let value: unknown;
      try {
        value = await run.run(around);
      } catch (error) {
        leave(call, run);
        if (hasToWaitAgain && !call.aborted) return await slots.waitAgain(call, site, onward, options());
        return await around.fail(error, call);
      }
      leave(call, run);
      return await around.ok(value, call);
    },
    // Not complete before all steps are linked.
    fail: (error: unknown, call: Call): unknown => around.fail(error, call),
  };

  return {
    isBoundary: true,
    admit: function concurrency(call) {
      const given = options();
      let slots: SlotGate;
      let weight: number;
      let advance: number;
      try {
        weight = weightOf(given, call, site, 'concurrency', source);
        advance = advanceOf(given, call, site, 'concurrency');
        slots = source.find(call);
      } catch (error) {
        return around.fail(error, call);
      }
      call.keep(around.place, slots);
      return slots.wait(call, site, onward, given, weight, advance);
    },
  };
}

function leave(call: Call, run: LeasedCall): void {
  call.waiting = undefined;
  // So many led to an alternative that is called now.
  call.attempt = run.attempt;
}
