import 'reflect-metadata/lite';
import type { Policy } from '../call/policy.js';
import type { SignalPlace } from '../call/signal-place.js';
import type { Placement } from '../member.js';
import type { AnyClass, AnyFunction } from '../types.js';

// Before the first decorated class is evaluated. It stands here, where bundlers cannot drop it, and not in a module of
// its own. Where the runtime has its own symbol, that one serves.
(Symbol as { metadata?: symbol }).metadata ??= Symbol.for('Symbol.metadata');

/** What decorators record of a member, or of a class. */
export interface Declared {
  readonly policies: Policy[];
  /** False cuts off everything that would be inherited. */
  inherit: boolean;
  /** Where the method takes its signal, if they say so. */
  signalAt?: SignalPlace;
}

/** What is recorded of one member of one class. */
export interface MemberRecord extends Declared {
  /** Whether the method was written `async`: class-level policies apply to such ones only. */
  readonly isAsync: boolean;
  /** The interceptor that runs the pipeline: the outermost, when foreign decorators stand between ours. */
  entry: AnyFunction;
}

/** What is recorded of a class itself. */
interface ClassRecord extends Declared {
  /** Whether constructions of the class and its subclasses are seen. */
  seesConstructions: boolean;
}

type MemberRecords = Map<PropertyKey, MemberRecord>;

const keyOf = (placement: Placement): string => `opero:${placement}`;

/** The records of a holder's members: of a decorated class's metadata, or of a prototype that was linked. */
export const memberRecords = (holder: object, placement: Placement): MemberRecords | undefined =>
  Reflect.getOwnMetadata(keyOf(placement), holder);

export function writeMember(holder: object, placement: Placement, name: PropertyKey, record: MemberRecord): void {
  let records = memberRecords(holder, placement);
  if (records === undefined) {
    records = new Map();
    Reflect.defineMetadata(keyOf(placement), records, holder);
  }
  records.set(name, record);
}

export const classRecord = (metadata: object): ClassRecord | undefined =>
  Reflect.getOwnMetadata('opero:class', metadata);

/** Whether the constructions of a class and of what extends it are seen. */
export const isSeen = ({ metadata }: ClassInChain): boolean =>
  metadata !== undefined && classRecord(metadata)?.seesConstructions === true;

/** The record of a class, made if need be. */
export function ensureClassRecord(metadata: object): ClassRecord {
  let record = classRecord(metadata);
  if (record === undefined) {
    record = { policies: [], inherit: true, seesConstructions: false };
    Reflect.defineMetadata('opero:class', record, metadata);
  }
  return record;
}

/** One class of a chain, with what holds its records. */
export interface ClassInChain {
  readonly type: AnyClass | undefined;
  /** Where its instance methods are; absent where only the metadata is known. */
  readonly prototype: object | undefined;
  readonly metadata: object | undefined;
}

/**
 * The metadata of classes that have none from the compiler: those that a foreign class decorator replaced, as only the
 * replacement gets it, and those that were decorated in the old form or by `decorate`.
 */
const metadataOfOthers = new WeakMap<AnyClass, object>();

/** Remembers that a class was written with the decorators of this metadata. */
export const setMetadata = (type: AnyClass, metadata: object): void => {
  metadataOfOthers.set(type, metadata);
};

/** The metadata that a class has of its own, never what it inherits. */
function ownMetadata(type: AnyClass): object | undefined {
  const metadata: unknown = Object.hasOwn(type, Symbol.metadata) ? Reflect.get(type, Symbol.metadata) : undefined;
  return typeof metadata === 'object' && metadata !== null ? metadata : metadataOfOthers.get(writtenBehind(type));
}

/** The class that has metadata here; behind what stands in its place, as a foreign proxy, if that has none. */
function writtenBehind(type: AnyClass): AnyClass {
  if (metadataOfOthers.has(type)) return type;
  const prototype: object = type.prototype ?? {};
  const written = classOf(prototype);
  return written?.prototype === prototype ? written : type;
}

/** The metadata of a class, made if need be: where no compiler does so. */
export function ensureMetadata(type: AnyClass): object {
  const own = ownMetadata(type);
  if (own !== undefined) return own;
  const written = writtenBehind(type);
  const metadata = {};
  setMetadata(written, metadata);
  setClassOfHolder(metadata, written);
  return metadata;
}

/** The classes that metadata belongs to. */
const classesOfHolders = new WeakMap<object, AnyClass>();

/** Remembers which class some metadata belongs to. */
export const setClassOfHolder = (metadata: object, type: AnyClass): void => {
  classesOfHolders.set(metadata, type);
};

/** The class that metadata belongs to, once that is known, or whose prototype this is. */
export const classOfHolder = (holder: object): AnyClass | undefined => classesOfHolders.get(holder) ?? classOf(holder);

/** The classes behind the proxies that see their constructions. */
const behindProxies = new WeakMap<AnyClass, AnyClass>();

/** Remembers that a proxy stands in the place of a class, and that it was written with the same decorators. */
export function setProxy(proxy: AnyClass, type: AnyClass, metadata: object): void {
  behindProxies.set(proxy, type);
  setMetadata(proxy, metadata);
}

/** The class as it was written, where a proxy of ours stands in its place. */
export const writtenClass = (type: AnyClass): AnyClass => behindProxies.get(type) ?? type;

const asyncPrototype: unknown = Object.getPrototypeOf(async () => {});

/** Whether a function was written `async`; async generators were not. */
export const isAsync = (fn: object): boolean => Object.getPrototypeOf(fn) === asyncPrototype;

/** The classes of prototypes that stand between one object and its class, which nobody else is to see. */
const hiddenClasses = new WeakMap<object, AnyClass>();

/** Remembers the class of such a prototype. */
export const setHiddenClass = (prototype: object, type: AnyClass): void => {
  hiddenClasses.set(prototype, type);
};

export const isHidden = (prototype: object): boolean => hiddenClasses.has(prototype);

/** The class whose prototype this is, if it is one. */
export function classOf(prototype: object): AnyClass | undefined {
  const hidden = hiddenClasses.get(prototype);
  if (hidden !== undefined) return hidden;
  const type: unknown = Object.getOwnPropertyDescriptor(prototype, 'constructor')?.value;
  return typeof type === 'function' ? (type as unknown as AnyClass) : undefined;
}

export const asClassInChain = (type: AnyClass): ClassInChain => ({
  type,
  prototype: (type as { prototype?: object }).prototype,
  metadata: ownMetadata(type),
});

/** The classes of an instance, the most derived first. Goes by the prototypes: metadata is not chained by all compilers. */
export function chainOfPrototype(start: object): ClassInChain[] {
  const chain: ClassInChain[] = [];
  for (
    let each: object | null = start;
    each !== null && each !== Object.prototype;
    each = Object.getPrototypeOf(each)
  ) {
    const type = classOf(each);
    if (type !== undefined) chain.push({ type, prototype: each, metadata: ownMetadata(type) });
  }
  return chain;
}

/** A class and its base classes, the most derived first. */
export function chainOfClass(start: AnyClass): ClassInChain[] {
  const chain: ClassInChain[] = [];
  for (
    let each: unknown = start;
    typeof each === 'function' && each !== Function.prototype;
    each = Object.getPrototypeOf(each)
  ) {
    chain.push(asClassInChain(each as unknown as AnyClass));
  }
  return chain;
}

/** Gives an object what metadata others have kept on another one. */
export function copyMetadata(from: object, to: object): void {
  for (const key of Reflect.getOwnMetadataKeys(from)) {
    Reflect.defineMetadata(key, Reflect.getOwnMetadata(key, from), to);
  }
}

/** Whether one of the classes in a chain is meant; `start` is where the chain of a prototype or of a class begins. */
export function hasClass(start: object, isMeant: (type: AnyClass) => boolean): boolean {
  for (let each = start; each !== null && each !== Function.prototype; each = Object.getPrototypeOf(each)) {
    const type = typeof each === 'function' ? (each as AnyClass) : classOf(each);
    if (type !== undefined && isMeant(type)) return true;
  }
  return false;
}

/** What the level records of a member. */
export function recordAt(level: ClassInChain, placement: Placement, name: PropertyKey): MemberRecord | undefined {
  const decorated = level.metadata && memberRecords(level.metadata, placement)?.get(name);
  return decorated ?? (level.prototype && memberRecords(level.prototype, placement)?.get(name));
}

/** The members of which the level records something. */
export function namesAt(level: ClassInChain, placement: Placement): Set<PropertyKey> {
  const decorated = level.metadata && memberRecords(level.metadata, placement)?.keys();
  const linked = level.prototype && memberRecords(level.prototype, placement)?.keys();
  return new Set([...(decorated ?? []), ...(linked ?? [])]);
}
