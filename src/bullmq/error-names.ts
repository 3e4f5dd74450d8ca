import { tagOf } from '../core/error-tag.js';
import { ownErrors } from '../core/errors.js';
import { builtInNameOf } from '../core/realm.js';
import type { ErrorClass } from '../core/types.js';
import type { ErrorNames } from '../workers/error-codec.js';
import type { ClassReference } from '../workers/protocol.js';
import { globalNameOf, nameOf } from '../workers/shape.js';

type Named = ReadonlyMap<string, ErrorClass>;

/** What may be taken for a class of errors by its name alone, and nothing else that is global. */
const builtIn: Named = new Map<string, ErrorClass>(
  [Error, AggregateError, DOMException, EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError].map(
    (type) => [type.name, type as unknown as ErrorClass],
  ),
);

/** Those of opero, by names that no bundler changes. */
const ofOpero: Named = new Map(ownErrors.map((type) => [String(tagOf(type)), type]));

/**
 * The classes of errors that two programs know by the same names: those of the language, of opero, and those that the
 * method's policies name.
 */
export class ErrorNamesOfPrograms implements ErrorNames {
  readonly #named: Named;

  constructor(classes: readonly ErrorClass[]) {
    this.#named = new Map(classes.toReversed().map((type) => [nameOf(type), type]));
  }

  nameOf(type: ErrorClass): ClassReference {
    const builtin = globalNameOf(type) ?? builtInNameOf(type);
    if (builtin !== undefined && builtIn.has(builtin)) return { named: builtin, of: 'builtin' };
    const tag = tagOf(type);
    if (tag !== undefined) return { named: tag, of: 'opero' };
    return { named: nameOf(type), of: 'program' };
  }

  find(reference: ClassReference): ErrorClass | undefined {
    if (!('named' in reference)) return undefined;
    const { named, of } = reference;
    return (of === 'builtin' ? builtIn : of === 'opero' ? ofOpero : this.#named).get(named);
  }
}
