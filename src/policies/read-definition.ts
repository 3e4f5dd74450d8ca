import { ConfigurationError } from '../core/errors.js';
import {
  anything,
  callback,
  entriesOf,
  oneOf,
  type Rule,
  readOptions,
  unknownOption,
  type Where,
  wrongOption,
} from '../core/options.js';
import { keyRule, type SharingConfig, scopeRule } from '../limits/limiters.js';
import type { PolicyDefinition, Rules } from './definition.js';
import { ownKinds } from './order.js';

const sharingRules = { key: keyRule, scope: scopeRule };

/** A definition that was checked, as it is at run time. */
export interface Definition extends PolicyDefinition<Rules, Readonly<Record<string, unknown>>> {
  readonly options: Rules;
  readonly defaults: Readonly<Record<string, unknown>>;
}

const isObject = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const isRule = (value: unknown): boolean =>
  isObject(value) &&
  typeof (value as Partial<Rule>).allowed === 'string' &&
  typeof (value as Partial<Rule>).test === 'function';

/** Keys that stand beside the kinds in a config, and the name of the decorator that takes it. */
const reserved = ['inherit', 'signalAt', 'orchestrate'];

const isName = (value: unknown): boolean =>
  typeof value === 'string' && /^[a-z_$][\w$]*$/i.test(value) && !(value in {}) && !reserved.includes(value);

const definitionRules = (): Rules => ({
  kind: {
    allowed: `a name, and none of ${[...ownKinds(), ...reserved].join(', ')}`,
    test: (value) => isName(value) && !ownKinds().includes(String(value)),
  },
  stage: oneOf('call', 'attempt', 'method'),
  options: {
    allowed: 'an object of rules, as oneOf() and positiveInteger are',
    test: (value) => isObject(value) && entriesOf(value).every(([, each]) => isRule(each)),
  },
  defaults: { allowed: 'an object', test: isObject },
  state: callback,
  stats: {
    allowed: 'an object of numbers',
    test: (value) => isObject(value) && entriesOf(value).every(([, each]) => Number.isFinite(each)),
  },
  around: callback,
});

/** The options that each policy with a state has. */

const sharingDefaults: SharingConfig = { scope: 'class' };

/** A definition, checked. Those with a state get the options `key` and `scope`. */
export function readDefinition(given: unknown): Definition {
  const where: Where = { text: 'definePolicy()' };
  const rules = definitionRules();
  const read = readOptions<Definition>(where, given, rules, { options: {}, defaults: {} });
  for (const name of ['kind', 'stage', 'around'] as const) {
    if (read[name] === undefined) throw wrongOption(where, name, undefined, rules[name]?.allowed ?? anything.allowed);
  }
  const { options, defaults } = read;
  const named: Where = { text: `definePolicy() of ${read.kind}` };
  for (const [name, value] of entriesOf(defaults)) {
    const inDefaults: Where = { ...named, path: 'defaults' };
    const rule = typeof name === 'string' && Object.hasOwn(options, name) ? options[name] : undefined;
    if (typeof name === 'symbol' || rule === undefined) {
      throw unknownOption(inDefaults, name, value, Object.keys(options));
    }
    if (value !== undefined && !rule.test(value)) throw wrongOption(inDefaults, name, value, rule.allowed);
  }
  const taken = read.state && Object.keys(sharingRules).find((name) => Object.hasOwn(options, name));
  if (taken !== undefined) {
    throw new ConfigurationError(
      `${named.text}: with \`state\`, it has an option \`${taken}\` already; name yours otherwise`,
    );
  }
  return Object.freeze({
    ...read,
    options: { ...options, ...(read.state && sharingRules) },
    defaults: { ...defaults, ...(read.state && { key: undefined, ...sharingDefaults }) },
    ...(read.stats && { stats: { ...read.stats } }),
  });
}
