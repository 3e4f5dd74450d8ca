import type { Placement } from '../member.js';
import type { AnyClass } from '../types.js';

/** What a decorator is told of a method. Where nothing sees the constructions of its class, it cannot ask for them. */
export interface MethodContext {
  readonly kind: 'method';
  readonly name: PropertyKey;
  readonly static: boolean;
  readonly private: boolean;
  readonly metadata: object;
  addInitializer?(initializer: (this: unknown) => void): void;
}

/** What a decorator is told of a class. */
export interface ClassContext {
  readonly kind: 'class';
  readonly name: string | undefined;
  readonly metadata: object;
  addInitializer?(initializer: (this: unknown) => void): void;
}

export type Context = MethodContext | ClassContext;

/** What may stand in the place of a context, where the compiler or the user is mistaken. */
export interface AnyContext {
  readonly kind: string;
  readonly name?: PropertyKey | undefined;
  readonly static?: boolean;
  readonly metadata?: unknown;
}

export const isContext = (value: unknown): value is AnyContext =>
  typeof value === 'object' && value !== null && typeof (value as AnyContext).kind === 'string';

/** As properties have it: esbuild tells of a method `5` by a number. */
export const nameOf = ({ name }: Pick<MethodContext, 'name'>): string | symbol =>
  typeof name === 'number' ? String(name) : name;

export const placementOf = (context: MethodContext): Placement => {
  if (context.private) return context.static ? 'private static' : 'private';
  return context.static ? 'static' : 'instance';
};

export function describe({ kind, name, static: isStatic }: AnyContext): string {
  return `${kind !== 'class' && isStatic ? 'static ' : ''}${kind} \`${String(name ?? '') || '(anonymous)'}\``;
}

/** The name of a class, for messages. */
export const nameOfClass = (type: AnyClass): string => type.name || '(anonymous)';
