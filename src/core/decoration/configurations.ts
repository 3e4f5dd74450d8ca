import type { AnyClass } from '../types.js';
import { type ClassInChain, classOf, writtenClass } from './metadata.js';
import type { Change } from './remade.js';

/** What was configured for the methods of a class, or of all. */
export class Configuration {
  /** The kinds of policy that it has been applied to. */
  readonly applied = new Set<string>();
  /** Those that came later count before it. */
  order = 0;

  constructor(
    /** The method by the name that `explain` gives it; every method if undefined. */
    readonly method: PropertyKey | undefined,
    readonly changes: ReadonlyMap<string, Change>,
    /** Whether it counts before all that are not so, however near they are to the method. */
    readonly isOverride = false,
  ) {}
}

/** What a configuration is for: a class, or those of a name, or every class. */
export type Subject = AnyClass | string | undefined;

let latest = 0;
const ofClasses = new WeakMap<AnyClass, Set<Configuration>>();
const ofNames = new Map<string, Set<Configuration>>();
const ofAll = new Set<Configuration>();

/** Puts a configuration in force. Gives how to take it back. */
export function enter(configuration: Configuration, subject: Subject): () => void {
  const groups = groupsOf(subject);
  configuration.order = ++latest;
  for (const group of groups) group.add(configuration);
  return () => {
    for (const group of groups) group.delete(configuration);
  };
}

function groupsOf(subject: Subject): Set<Configuration>[] {
  if (subject === undefined) return [ofAll];
  if (typeof subject === 'string') return [groupOf(ofNames, subject)];
  return [...standingFor(subject)].map((type) => groupOf(ofClasses, type));
}

/** Each class that may stand for one in a chain: a foreign decorator may have put a proxy in its place. */
const standingFor = (type: AnyClass): Set<AnyClass> =>
  new Set([type, classOf(type.prototype as object) ?? type].map(writtenClass));

/** Whether a configuration for this reaches those in whose chain a class is. */
export function meantBy(subject: AnyClass | string): (type: AnyClass) => boolean {
  if (typeof subject === 'string') return ({ name }) => name === subject;
  const types = standingFor(subject);
  return (type) => types.has(writtenClass(type));
}

interface Groups<Key> {
  get(key: Key): Set<Configuration> | undefined;
  set(key: Key, group: Set<Configuration>): unknown;
}

function groupOf<Key>(groups: Groups<Key>, key: Key): Set<Configuration> {
  const group = groups.get(key) ?? new Set<Configuration>();
  groups.set(key, group);
  return group;
}

/** Those for every class, the earliest first. */
export const configurationsOfAll = (): Iterable<Configuration> => ofAll;

/** Those for one class, by itself or by its name: those for a method count before those for all, then the later ones. */
export function configurationsAt({ type }: ClassInChain): readonly Configuration[] {
  if (type === undefined) return [];
  const own = ofClasses.get(writtenClass(type)) ?? [];
  const named = ofNames.get(type.name) ?? [];
  const rank = ({ method }: Configuration): number => (method === undefined ? 0 : 1);
  return [...own, ...named].sort((one, other) => rank(one) - rank(other) || one.order - other.order);
}
