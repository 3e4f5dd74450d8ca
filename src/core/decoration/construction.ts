import type { Member } from '../member.js';
import type { AnyClass } from '../types.js';
import { know } from './known.js';
import { isUnchanged, type Spot, watchedSpots } from './linking.js';
import {
  type ClassInChain,
  chainOfClass,
  chainOfPrototype,
  memberRecords,
  namesAt,
  setClassOfHolder,
} from './metadata.js';
import { createSite } from './site.js';
import { link, siteAt, verify } from './sites.js';

/** The prototypes of which an instance was constructed, with what was watched on them and on those beneath them then. */
const constructed = new WeakMap<object, readonly Spot[]>();

/**
 * To be called at the construction of each instance, with its prototype and, where it is there already, itself: links its
 * class, and checks what the policies say of it. Does its work once per concrete class; and again when something foreign
 * that stood in the place of a method has gone, or come back.
 */
export function onConstruction(prototype: object, instance?: object): void {
  if (constructed.get(prototype)?.every(isUnchanged)) return;
  const chain = chainOfPrototype(prototype);
  link(chain);
  if (instance !== undefined) bindAgain(chain, instance);
  for (const level of chain) {
    for (const name of namesAt(level, 'instance')) {
      verify(siteAt(chain, { name, placement: 'instance', holder: prototype }), chain);
    }
    const { metadata } = level;
    if (metadata === undefined) continue;
    for (const name of namesAt(level, 'private')) {
      verify(siteAt(chain, { name, placement: 'private', holder: metadata }), chain);
    }
  }
  constructed.set(prototype, watchedSpots(chain));
}

/** Methods without a decorator that a foreign one bound to the first instance of a class, before they were linked. */
function bindAgain(chain: readonly ClassInChain[], instance: object): void {
  const linkedAt = ({ prototype }: ClassInChain): Iterable<PropertyKey> =>
    (prototype && memberRecords(prototype, 'instance')?.keys()) ?? [];
  for (const name of new Set(chain.flatMap((level) => [...linkedAt(level)]))) {
    const property = Object.getOwnPropertyDescriptor(instance, name);
    if (!property?.writable) continue;
    const { value } = property;
    const method: unknown = Reflect.get(Object.getPrototypeOf(instance), name, instance);
    if (typeof method !== 'function' || value?.name !== `bound ${method.name}`) continue;
    // Arguments that were bound as well can only be told by how many are left.
    if (value.length !== method.length) continue;
    Object.defineProperty(instance, name, { ...property, value: method.bind(instance) });
  }
}

/** To be called once a class with a decorated static member is there. */
export function onStaticDefinition(type: AnyClass, member: Member): void {
  setClassOfHolder(member.holder, type);
  know(type);
  const chain: ClassInChain[] = [
    { type, prototype: type.prototype, metadata: member.holder },
    ...chainOfClass(type).slice(1),
  ];
  createSite(chain, member).verify(type);
}
