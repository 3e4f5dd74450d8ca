import type { AnyClass } from 'opero';

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
 * Why a test of what a class body does with its own name is skipped; false: it is not. Under esbuild, and so tsx and vite,
 * the name stands there for the class as it was written, while the rest of the program has what its decorators made of it.
 */
export const ownNameIsBare =
  new Probe().itself() !== Probe && 'by this compiler, the body of a class does not see what stands in its place';

/** The same for the constructor: swc has it so there, and only there. */
export const ownNameIsBareInConstructor =
  inConstructor !== Probe && 'by this compiler, the constructor of a class does not see what stands in its place';

/** Why a test of what static blocks call is skipped: esbuild runs them before the decorators of the class. */
export const staticsRunFirst =
  !isReplacedInStatics && 'by this compiler, static fields and blocks run before the decorators of the class';

const untouched = (_method: () => void, _context: ClassMethodDecoratorContext): void => {};
const Anonymous = (() =>
  class {
    @untouched
    load(): void {}
  })();

/** Why a test that a class has no name is skipped. */
export const anonymousIsNamed =
  Anonymous.name !== '' && 'by this compiler, an anonymous class with decorated methods has a name';
