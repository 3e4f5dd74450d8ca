import { mock } from 'node:test';
import { spyOn } from '@vitest/spy';
import { ModuleMocker } from 'jest-mock';
import shimmer from 'shimmer';
import { spy } from 'sinon';

/** Something that stands in the place of a method, calls through, and counts. */
interface Spy {
  /** What stands there. */
  readonly fn: unknown;
  calls(): number;
  restore(): void;
}

/** What has the methods that are spied on. */
export type Owner = Record<'get', (...args: never[]) => unknown>;

const jest = new ModuleMocker(globalThis);

/** A function that counts, as people write it by hand. */
function counting(original: Owner['get']): { fn: Owner['get']; calls: () => number } {
  let calls = 0;
  return {
    fn(this: unknown, ...args: never[]) {
      calls++;
      return Reflect.apply(original, this, args);
    },
    calls: () => calls,
  };
}

/** Whatever people put in the place of methods, by its name. */
export const tools: Readonly<Record<string, (owner: Owner) => Spy>> = {
  'node:test': (owner) => {
    const fn = mock.method(owner, 'get');
    return { fn, calls: () => fn.mock.callCount(), restore: () => fn.mock.restore() };
  },
  vitest: (owner) => {
    const fn = spyOn(owner, 'get');
    return { fn, calls: () => fn.mock.calls.length, restore: () => fn.mockRestore() };
  },
  jest: (owner) => {
    const fn = jest.spyOn(owner, 'get');
    return { fn, calls: () => fn.mock.calls.length, restore: () => fn.mockRestore() };
  },
  sinon: (owner) => {
    const fn = spy(owner, 'get');
    return { fn, calls: () => fn.callCount, restore: () => fn.restore() };
  },
  shimmer: (owner) => {
    const { fn, calls } = counting(owner.get);
    shimmer.wrap(owner, 'get', () => fn);
    return { fn, calls, restore: () => shimmer.unwrap(owner, 'get') };
  },
  'an assignment': (owner) => {
    const isOwn = Object.hasOwn(owner, 'get');
    const original = owner.get;
    const { fn, calls } = counting(original);
    owner.get = fn;
    return {
      fn,
      calls,
      restore() {
        if (isOwn) owner.get = original;
        else Reflect.deleteProperty(owner, 'get');
      },
    };
  },
};
