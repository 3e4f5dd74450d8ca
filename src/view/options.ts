import { ConfigurationError } from '../core/errors.js';
import { flag, type Rule, readOptions } from '../core/options.js';
import { isLoopback, withoutBrackets } from './hosts.js';

/**
 * How a view is served.
 *
 * @example
 * const config: ViewConfig = { port: 6737, controls: true };
 */
export interface ViewConfig {
  /** The port, 0 for any that is free. Default: 0. `opero top` asks at 6737 where it is told nothing. */
  readonly port?: number;
  /**
   * The address or name to listen at. Another than of this machine alone, as `'0.0.0.0'`, needs a `token`. Default:
   * `'127.0.0.1'`.
   */
  readonly host?: string;
  /** What everybody has to show, as `?token=` or as a Bearer token. Default: nobody has to show anything. */
  readonly token?: string;
  /** Whether circuits may be isolated, and limits paused, from the page. Default: false. */
  readonly controls?: boolean;
}

export type ViewOptions = Required<Omit<ViewConfig, 'token'>> & Pick<ViewConfig, 'token'>;

const port: Rule<number> = {
  allowed: 'an integer from 0 to 65535',
  test: (value) => Number.isInteger(value) && Number(value) >= 0 && Number(value) <= 65_535,
};
const host: Rule<string> = {
  allowed: 'the address or the name of a host, without a port',
  test: (value) => typeof value === 'string' && /^([\w.-]+|\[?[\da-f:.]+(%\w+)?\]?)$/i.test(value),
};
const token: Rule<string> = {
  allowed: 'a string of letters, digits and other visible characters of ASCII',
  test: (value) => typeof value === 'string' && /^[!-~]+$/.test(value),
};
const rules = { port, host, token, controls: flag };
const where = { text: 'startView()' };

export function readViewOptions(given: unknown): ViewOptions {
  const options = readOptions<ViewOptions>(where, given, rules, { port: 0, host: '127.0.0.1', controls: false });
  const { host, token } = options;
  if (token === undefined && !isLoopback(host)) {
    const problem = `expected \`token\` to be given where \`host\` is '${host}', which others can reach`;
    throw new ConfigurationError(`startView(): ${problem}; give one, or leave \`host\` out`);
  }
  return { ...options, host: withoutBrackets(host) };
}
