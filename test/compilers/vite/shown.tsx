import { concurrency, rateLimit, retry } from 'opero';

// JSX is compiled as the project's settings say, and not by the plugin.
// biome-ignore lint/correctness/noUnusedVariables: JSX calls it
const h = (name: string, given: object | null, ...children: string[]): string =>
  `${name} ${JSON.stringify(given)} ${children}`;

export class Shown {
  @retry(2)
  @rateLimit(5)
  @concurrency(3)
  async forecast(): Promise<string> {
    return <b title="a">sun</b>;
  }
}

export const element = await new Shown().forecast();
