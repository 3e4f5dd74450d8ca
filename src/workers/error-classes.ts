import type { SiteInfo } from '../core/call/policy.js';
import { chainOfClass } from '../core/decoration/metadata.js';
import { ownErrors } from '../core/errors.js';
import { builtInNameOf } from '../core/realm.js';
import type { ErrorClass } from '../core/types.js';
import type { ClassReference, Exports } from './protocol.js';
import { errorShape, globalNameOf, nameOf } from './shape.js';

const isErrorClass = (value: unknown): value is ErrorClass =>
  typeof value === 'function' && value.prototype instanceof Error;

/** Error classes by a key that both sides have for them. */
export type Listed = ReadonlyMap<string, ErrorClass>;

/**
 * The classes that the policies of a method name. The other side may run a base class, or a subclass, and so have other
 * policies: a key says which policy of which class in the chain, counted from its root.
 */
export function listedBy(site: SiteInfo): Listed {
  const keyed = site.policies.flatMap(({ kind, errorClasses = [] }) => {
    const declaredBy = site.declaredBy(kind);
    const depth = declaredBy === undefined ? 0 : chainOfClass(declaredBy).length;
    return errorClasses.map((type, index) => [`${kind} ${depth} ${index}`, type] as const);
  });
  return new Map(keyed);
}

/** The error classes that this side knows: how it names them to the other side, and what it takes names for. */
export class ErrorClasses {
  readonly #listed: Listed;
  readonly #exports: Exports;

  constructor(listed: Listed, exports: Exports) {
    this.#listed = listed;
    this.#exports = exports;
  }

  /** Names a class, in every way that may serve. */
  nameOf(type: ErrorClass): ClassReference {
    const builtin = globalNameOf(type) ?? builtInNameOf(type);
    if (builtin !== undefined) return { builtin };
    const own = ownErrors.indexOf(type);
    if (own >= 0) return { own };
    const [exported] = Object.entries(this.#exports).find(([, each]) => each === type) ?? [];
    const [key] = [...this.#listed].find(([, each]) => each === type) ?? [];
    const shape = errorShape(type);
    return { exported, key, name: nameOf(type), shape, isOnly: this.#alike(shape).every((each) => each === type) };
  }

  /** Finds the class of a name; one that is only alike where neither side knows another of the kind. */
  find(reference: ClassReference): ErrorClass | undefined {
    if ('builtin' in reference) return Reflect.get(globalThis, reference.builtin) as ErrorClass | undefined;
    if ('own' in reference) return ownErrors[reference.own];
    if ('named' in reference) return undefined;
    const { exported, key, name, shape, isOnly } = reference;
    const listed = key === undefined ? undefined : this.#listed.get(key);
    if (listed !== undefined && nameOf(listed) === name) return listed;
    const found = exported === undefined ? undefined : this.#exports[exported];
    if (isErrorClass(found)) return found;
    const alike = isOnly ? this.#alike(shape) : [];
    return alike.length === 1 ? alike[0] : undefined;
  }

  /** The classes known here that look like this. */
  #alike(shape: string): ErrorClass[] {
    const known = new Set([...this.#listed.values(), ...Object.values(this.#exports)].filter(isErrorClass));
    return [...known].filter((type) => errorShape(type) === shape);
  }
}

/** Those of Node and opero alone. */
export const bareClasses = new ErrorClasses(new Map(), {});
