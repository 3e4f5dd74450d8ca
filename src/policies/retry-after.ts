import { peek } from '../core/peek.js';

const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** The three forms of dates that HTTP knows; RFC 9110, 5.6.7. */
const forms = [
  // Sun, 06 Nov 1994 08:49:37 GMT
  /^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), (?<day>\d\d) (?<month>[A-Z][a-z]{2}) (?<year>\d{4}) (?<clock>[\d:]{8}) GMT$/,
  // Sunday, 06-Nov-94 08:49:37 GMT
  /^(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day, (?<day>\d\d)-(?<month>[A-Z][a-z]{2})-(?<year>\d\d) (?<clock>[\d:]{8}) GMT$/,
  // Sun Nov  6 08:49:37 1994
  /^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) (?<month>[A-Z][a-z]{2}) (?<day>\d\d| \d) (?<clock>[\d:]{8}) (?<year>\d{4})$/,
];

/** The time of a day, of eight characters; 60 is a leap second. */
const timeOfDay = /([01]\d|2[0-3]):([0-5]\d):([0-5]\d|60)/;

/** A moment in milliseconds since 1970; undefined where there is none, as on 31 Feb. Date.UTC takes year 50 for 1950. */
function momentOf(year: number, fields: Readonly<Record<string, string>>): number | undefined {
  const month = months.indexOf(fields.month ?? '');
  const time = timeOfDay.exec(fields.clock ?? '');
  if (month < 0 || time === null) return undefined;
  const day = Number(fields.day);
  const date = new Date(0);
  date.setUTCFullYear(year, month, day);
  return date.getUTCDate() === day ? date.setUTCHours(Number(time[1]), Number(time[2]), Number(time[3])) : undefined;
}

/** A year of two digits is the latest one that is not more than 50 years ahead. */
function momentOfShortYear(fields: Readonly<Record<string, string>>, wallClock: number): number | undefined {
  const latest = new Date(wallClock);
  latest.setUTCFullYear(latest.getUTCFullYear() + 50);
  const year = latest.getUTCFullYear();
  const ahead = year - (year % 100) + Number(fields.year);
  for (const each of [ahead, ahead - 100]) {
    const moment = momentOf(each, fields);
    if (moment !== undefined && moment <= latest.getTime()) return moment;
  }
  return undefined;
}

function untilDate(text: string): number | undefined {
  const fields = forms.map((form) => form.exec(text)?.groups).find((groups) => groups !== undefined);
  if (fields === undefined) return undefined;
  const wallClock = Date.now();
  const moment =
    fields.year?.length === 2 ? momentOfShortYear(fields, wallClock) : momentOf(Number(fields.year), fields);
  return moment !== undefined && moment >= wallClock ? moment - wallClock : undefined;
}

/** Whether an object is a `Headers`, of the platform or of a client such as axios: a Map-like that knows no cases. */
const isHeaders = (value: unknown): value is { get(name: string): unknown } =>
  typeof peek(value, 'get') === 'function' && typeof peek(value, 'has') === 'function';

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null;

/** The headers that an object is, or holds. */
const headersOf = (value: object): unknown => (isHeaders(value) ? value : peek(value, 'headers'));

/** The same, or those of the error in it, as in the event that `delay` gets. */
function headersIn(value: object): unknown {
  const headers = headersOf(value);
  if (isObject(headers)) return headers;
  const error = peek(value, 'error');
  return isObject(error) ? headersOf(error) : undefined;
}

/** The value of the header; of several, as Node's http gives them, the first. */
function headerOf(headers: object): unknown {
  let value: unknown;
  if (isHeaders(headers)) {
    value = headers.get('retry-after');
  } else {
    const name = Object.keys(headers).find((each) => each.toLowerCase() === 'retry-after');
    value = name === undefined ? undefined : Reflect.get(headers, name);
  }
  return Array.isArray(value) ? value[0] : value;
}

function parse(value: unknown): number | undefined {
  if (typeof value === 'number') {
    return value >= 0 && value !== Number.POSITIVE_INFINITY ? Math.min(value * 1000, Number.MAX_VALUE) : undefined;
  }
  if (typeof value !== 'string') return undefined;
  return /^\d+$/.test(value) ? Math.min(Number(value) * 1000, Number.MAX_VALUE) : untilDate(value);
}

/**
 * How long a server asks to wait: its `Retry-After` header in milliseconds. Digits are seconds; dates, in the three forms
 * of HTTP, are compared with `Date.now()`. A date that has passed, and anything else, gives undefined.
 *
 * @param value The header's value, a string or a number of seconds; a `Headers`; or an object with `headers`, such as a
 * `Response` or an error that holds them: a `Headers` or a record of names in any case. Or what has such an `error`, as the
 * event that `delay` gets.
 * @throws Nothing, whatever it is given.
 * @example
 * class Weather {
 *   \@retry({ delay: parseRetryAfter })
 *   async forecast(city: string): Promise<Forecast> { ... }
 * }
 */
export function parseRetryAfter(value: unknown): number | undefined {
  try {
    if (!isObject(value)) return parse(value);
    const headers = headersIn(value);
    return isObject(headers) ? parse(headerOf(headers)) : undefined;
  } catch {
    // What cannot be read asks for nothing.
  }
  return undefined;
}
