import type { AnyClass } from 'opero';
import { isOldForm } from './form.js';

const replaced = <T extends AnyClass>(type: T, _context: ClassDecoratorContext<T>): T => new Proxy(type, {});

let isReplacedInStatics = false;
let inConstructor: unknown;

@replaced
class Probe {
  static readonly size = 1;
  static {
    isReplacedInStatics = Probe !== Probe.prototype.constructor;
  }
  constructor() {
    inConstructor = Probe;
  }
  itself(): unknown {
    return Probe;
  }
}

/**
 * Whether a class body does not see what stands in the place of its class. Under esbuild, and so tsx and vite, its name
 * stands there for the class as it was written, while the rest of the program has what its decorators made of it. In the old
 * form, opero puts nothing there.
 */
export const ownNameIsBare = !isOldForm && new Probe().itself() !== Probe;

/** The same for the constructor: swc has it so there, and only there. */
export const ownNameIsBareInConstructor = !isOldForm && inConstructor !== Probe;

/** Whether static fields and blocks run before the decorators of their class, as under esbuild. */
export const staticsRunFirst = !isReplacedInStatics;

@replaced
class Same {
  size = 1;
  Same(): unknown {
    return Same;
  }
}

/** Whether a method that is called as its class keeps that name: TypeScript 7 gives it another in the old form. */
export const keepsOwnName = 'Same' in Same.prototype;

const untouched = (_method: () => void, _context: ClassMethodDecoratorContext): void => {};
const Anonymous = (() =>
  class {
    @untouched // not in the old form
    load(): void {}
  })();

/** Whether an anonymous class with decorated methods gets a name, as under esbuild. */
export const anonymousIsNamed = Anonymous.name !== '';
