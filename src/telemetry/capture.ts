import { want } from '../core/call/watched.js';
import type { Undo } from '../core/undo.js';
import { Wish } from './wish.js';

const wish = new Wish((isOn) => want({ capture: isOn }));

/**
 * Has the events of calls and attempts that begin from now on carry `args` and `result`, by reference. They may hold
 * secrets and personal data, and keep large objects alive: so they are left out unless this is asked for.
 *
 * @param on False ends it, whoever began it.
 * @returns What ends it, unless others want it still: a function that is also a Disposable.
 * @throws ConfigurationError when it is neither true nor false.
 * @example
 * using _ = captureArguments(true);
 * using calls = on('call', ({ method, args, result }) => console.log(method, args, result));
 */
export const captureArguments = (on: boolean): Undo => wish.set(on, 'captureArguments()');
