import { enter } from '../core/call/current-call.js';
import { takeHandoff } from '../core/call/handoff.js';
import { signalOf } from '../core/call/signals.js';
import type { Run, Site } from '../core/decoration/site.js';

/**
 * Calls the method of a site and nothing else. `currentCall()` tells of a first attempt; the signal is there to be passed
 * on, and ends nothing by itself.
 */
export const bareRun =
  (site: Site): Run =>
  (fn, self, args) => {
    const given = takeHandoff(self, site.name);
    try {
      const signal = signalOf(args, site.signalAt, site) ?? given?.signal;
      const result = enter({ attempt: 1, hedge: 0, signal, error: given?.error }, fn, self, args);
      const { onFailure } = given ?? {};
      if (onFailure === undefined) return result;
      return result.catch((error: unknown) => {
        onFailure(error);
        throw error;
      });
    } catch (error) {
      // The arguments do not let themselves be looked at, or hold no signal where `signalAt` says so.
      return Promise.reject(error);
    }
  };
