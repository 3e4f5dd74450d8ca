import { Inject, Injectable } from '@nestjs/common';
import { ModulesContainer } from '@nestjs/core';
import { onConstruction } from '../core/decoration/construction.js';
import { chainOfPrototype } from '../core/decoration/metadata.js';

type Wrapper =
  ReturnType<ModulesContainer['values']> extends Iterator<infer Module extends { providers: unknown }>
    ? Module['providers'] extends Map<unknown, infer Each>
      ? Each
      : never
    : never;

/** All that Nest makes of the classes of a program. */
function* wrappersOf(modules: ModulesContainer): Generator<Wrapper> {
  for (const { providers, controllers, injectables, middlewares } of modules.values()) {
    for (const each of [providers, controllers, injectables, middlewares]) yield* each.values();
  }
}

/** The classes of a program, registered with their policies: those of its providers and controllers, and of what they use. */
export class ProgramClasses {
  readonly #modules: ModulesContainer;

  constructor(modules: ModulesContainer) {
    this.#modules = modules;
    for (const { metatype, isNotMetatype } of wrappersOf(modules)) {
      const prototype: unknown = isNotMetatype ? undefined : metatype?.prototype;
      if (typeof prototype === 'object' && prototype !== null) onConstruction(prototype);
    }
    this.registerMade();
  }

  /** Registers the classes of what factories gave by now, and of values. */
  registerMade(): void {
    for (const { instance, isNotMetatype } of wrappersOf(this.#modules)) {
      if (isNotMetatype) registerClassOf(instance);
    }
  }
}

Injectable()(ProgramClasses);
Inject(ModulesContainer)(ProgramClasses, undefined, 0);

/** A value may be anything, so its class is looked at only where it, or a base of it, has policies. */
function registerClassOf(value: unknown): void {
  if (typeof value !== 'object' || value === null) return;
  const prototype: object | null = Object.getPrototypeOf(value);
  if (prototype === null) return;
  if (chainOfPrototype(prototype).some(({ metadata }) => metadata !== undefined)) onConstruction(prototype);
}
