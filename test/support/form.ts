import { orchestrate } from 'opero';

let told: unknown;
const tell = (_value: unknown, context: unknown): void => {
  told = context;
};

class Probe {
  @tell
  load(): void {}
}

/** Whether this was compiled in the old form of decorators. */
export const isOldForm = Probe !== undefined && typeof told !== 'object';

/** Of tests of what the old form has no room for: decorators on private members and in class expressions, initializers. */
export const newFormOnly = { skip: isOldForm && 'the old form has no room for it' };

/** Of tests of what the old form does in another way, which test/core/old-form.test.ts tells. */
export const otherwiseInOldForm = { skip: isOldForm && 'otherwise in the old form' };

/** What links a subclass without decorators in the old form, where nobody sees it. */
export const linked = orchestrate();

type Method = (this: never, ...args: never[]) => Promise<unknown>;

/** A method decorator of another library, for whichever form this is compiled in. */
export function inBothForms(
  decorate: (method: Method, context: ClassMethodDecoratorContext) => Method,
): <Fn extends Method>(method: Fn, context: ClassMethodDecoratorContext) => Fn {
  const old = (target: object, name: PropertyKey, descriptor: PropertyDescriptor): PropertyDescriptor => {
    const context = { kind: 'method', name, static: typeof target === 'function' } as ClassMethodDecoratorContext;
    return { ...descriptor, value: decorate(descriptor.value, context) };
  };
  return (isOldForm ? old : decorate) as never;
}
