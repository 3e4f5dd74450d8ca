import type {
  Changes,
  Counted,
  Everything,
  HandsOn,
  JobState,
  MethodState,
  MethodWithMinute,
  Program,
  Shared,
  StoreState,
} from '../protocol.js';

/**
 * What a program tells is read field by field: the program may be older than `opero top`, or newer, and then has other fields.
 * What is not there, or of another kind, is unknown: NaN where it would be a number, which is shown as `–`.
 */
type Fields = Readonly<Record<string, unknown>>;

const isObject = (given: unknown): given is Fields => typeof given === 'object' && given !== null;
const fieldsOf = (given: unknown): Fields => (isObject(given) ? given : {});
const listOf = (given: unknown): readonly unknown[] => (Array.isArray(given) ? given : []);

const number = (given: unknown): number => (typeof given === 'number' ? given : Number.NaN);
const numberIfAny = (given: unknown): number | undefined => (typeof given === 'number' ? given : undefined);
const text = (given: unknown, otherwise = '?'): string => (typeof given === 'string' ? given : otherwise);
const texts = (given: unknown): readonly string[] => listOf(given).filter((each) => typeof each === 'string');

/** A number for each of these names. */
const numbers = <const Name extends string>(given: Fields, names: readonly Name[]) =>
  Object.fromEntries(names.map((name) => [name, number(given[name])])) as Record<Name, number>;

const counted = (given: unknown): Counted =>
  listOf(given).flatMap((each) => {
    const [reason, count] = listOf(each);
    return typeof reason === 'string' ? [[reason, number(count)] as const] : [];
  });

const circuits = ['closed', 'open', 'half-open', 'isolated'] as const;

function lastErrorOf(given: unknown): MethodState['lastError'] {
  const { name, at } = fieldsOf(given);
  return typeof name === 'string' && typeof at === 'number' ? { name, at } : undefined;
}

function handsOf(given: unknown): HandsOn {
  const { isolated, paused } = fieldsOf(given);
  return { isolated: isolated === true, paused: paused === true };
}

/** `place` stands for an `id` that is not there. */
function methodOf(given: unknown, place: number): MethodWithMinute {
  const fields = fieldsOf(given);
  return {
    id: numberIfAny(fields.id) ?? -1 - place,
    className: text(fields.className),
    method: text(fields.method),
    static: fields.static === true,
    policies: texts(fields.policies),
    ...numbers(fields, [
      'calls',
      'failed',
      'rate',
      'running',
      'queued',
      'limit',
      'retries',
      'rejected',
      'fallbacks',
      'failures',
    ]),
    p50: numberIfAny(fields.p50),
    p99: numberIfAny(fields.p99),
    used: numberIfAny(fields.used),
    circuit: circuits.find((each) => each === fields.circuit),
    retriesBy: counted(fields.retriesBy),
    rejectedBy: counted(fields.rejectedBy),
    lastError: lastErrorOf(fields.lastError),
    failedAt: numberIfAny(fields.failedAt),
    hands: handsOf(fields.hands),
    minute: listOf(fields.minute).map(number),
  };
}

function storeOf(given: unknown): StoreState {
  const fields = fieldsOf(given);
  return {
    name: text(fields.name),
    limits: texts(fields.limits),
    downAt: numberIfAny(fields.downAt),
    reason: typeof fields.reason === 'string' ? fields.reason : undefined,
    p50: numberIfAny(fields.p50),
    p99: numberIfAny(fields.p99),
    ...numbers(fields, ['rate', 'outages', 'lostLeases']),
  };
}

function jobOf(given: unknown): JobState {
  const fields = fieldsOf(given);
  return {
    queue: text(fields.queue),
    className: text(fields.className),
    method: text(fields.method),
    static: fields.static === true,
    p50: numberIfAny(fields.p50),
    p99: numberIfAny(fields.p99),
    ...numbers(fields, ['sent', 'waiting', 'rate', 'failed', 'lost', 'running', 'ran', 'ranFailed']),
  };
}

function sharedOf(given: unknown): Shared {
  const { stores, jobs, moreJobs } = fieldsOf(given);
  return {
    stores: listOf(stores).map(storeOf),
    jobs: listOf(jobs).map(jobOf),
    moreJobs: numberIfAny(moreJobs) ?? 0,
  };
}

function programOf(given: unknown): Program {
  const { name, pid, node, startedAt } = fieldsOf(given);
  return { name: text(name), pid: number(pid), node: text(node), startedAt: number(startedAt) };
}

/** All that a program told; undefined where it is nothing that a view tells. */
export function readEverything(given: unknown): Everything | undefined {
  if (!isObject(given) || !Array.isArray(given.methods)) return undefined;
  const { program, controls, at, methods, shared } = given;
  return {
    program: programOf(program),
    controls: controls === true,
    at: numberIfAny(at) ?? Date.now(),
    methods: methods.map(methodOf),
    shared: sharedOf(shared),
  };
}

/** The same of what has changed. */
export function readChanges(given: unknown): Changes {
  const { at, seconds, methods, gone, shared } = fieldsOf(given);
  return {
    at: numberIfAny(at) ?? Date.now(),
    seconds: numberIfAny(seconds) ?? 1,
    methods: listOf(methods).map(methodOf),
    gone: listOf(gone).map(number),
    ...(shared !== undefined && { shared: sharedOf(shared) }),
  };
}
