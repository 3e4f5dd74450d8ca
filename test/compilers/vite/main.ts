// A program that vite builds, and that tells how it was compiled.
import { policiesOf } from 'opero';
import { Scripted } from './scripted.js';
import { Module } from './scripted.mjs';
import { element, Shown } from './shown.js';
import { type Answer, Weather } from './weather.js';

const seen: Record<string, unknown> = {};
const record = (...args: unknown[]): void => {
  seen.arguments = args.length;
};

class Base {
  city = 'Bern';
  constructor(given?: Partial<Answer>) {
    Object.assign(this, given);
  }
}

class Typed extends Base {
  declare size: number;
  // @ts-expect-error: where fields are defined it has no value again
  city: string;

  @record
  async ask(_question: string): Promise<void> {}
}

// `using` and a name that only a comment has, @retry, are not ours.
seen.city = new Typed({ city: 'Davos' }).city;
const { getMetadata } = Reflect as { getMetadata?: (key: string, target: object, name: string) => unknown };
seen.parameters = String(getMetadata?.('design:paramtypes', Typed.prototype, 'ask'));
seen.policies = [Weather, Scripted, Module, Shown].map((type) => policiesOf(type, 'forecast').length);
seen.element = element;
console.log(JSON.stringify(seen));

/** Whoever runs this shows its stack. */
export const failure: Error = await new Weather().forecast('Davos').then(
  () => new Error('it did not fail'),
  (error: Error) => error,
);
