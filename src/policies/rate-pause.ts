import { once, type Undo } from '../core/undo.js';
import type { Finder } from '../limits/finders.js';
import type { Window } from '../limits/window.js';

/** Nobody starts in these windows, nor in those that come, until that is ended; then every pause of them has ended. */
export function pauseAll(windows: Finder<Window>): Undo {
  const undo = windows.forAll((window) => window.pause(Number.POSITIVE_INFINITY));
  return once(() => {
    undo();
    windows.forAll((window) => window.resume())();
  });
}
