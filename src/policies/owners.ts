const isObject = (value: unknown): value is object =>
  (typeof value === 'object' && value !== null) || typeof value === 'function';

/** What is kept for each receiver, which it does not keep alive; or for all together. */
class ByReceiver<Kept> {
  private shared: Kept | undefined = undefined;
  private readonly own = new WeakMap<object, Kept>();

  constructor(
    readonly isByInstance: boolean,
    readonly make: () => Kept,
  ) {}

  of(self: unknown): Kept {
    if (!this.isByInstance || !isObject(self)) {
      this.shared ??= this.make();
      return this.shared;
    }
    let kept = this.own.get(self);
    if (kept === undefined) {
      kept = this.make();
      this.own.set(self, kept);
    }
    return kept;
  }
}

/**
 * What a policy keeps of the results of a method: by receiver, if each instance has its own. Where there is no class, as in
 * an Orchestrator, by function first: what one gives is nothing that another would give.
 */
export class Owners<Kept> {
  private readonly all: ByReceiver<Kept>;
  private readonly functions = new WeakMap<object, ByReceiver<Kept>>();

  constructor(
    readonly isClassless: boolean,
    readonly scope: 'class' | 'instance' | undefined,
    readonly make: () => Kept,
  ) {
    this.all = this.byReceiver();
  }

  of(fn: object, self: unknown): Kept {
    return this.isClassless ? this.ofFunction(fn).of(self) : this.all.of(self);
  }

  private ofFunction(fn: object): ByReceiver<Kept> {
    let found = this.functions.get(fn);
    if (found === undefined) {
      found = this.byReceiver();
      this.functions.set(fn, found);
    }
    return found;
  }

  private byReceiver(): ByReceiver<Kept> {
    return new ByReceiver(this.scope === 'instance', this.make);
  }
}
