/** A figure to reach. */
export interface Target {
  readonly text: string;
  readonly limit: number;
  readonly side: 'at most' | 'at least';
  readonly unit: string;
  /** For a target that is not reached yet: what must hold meanwhile, and why it is not reached. */
  readonly open?: { readonly limit: number; readonly why: string };
}

const atMost = (limit: number, unit: string, text: string): Target => ({ text, limit, side: 'at most', unit });
const atLeast = (limit: number, unit: string, text: string): Target => ({ text, limit, side: 'at least', unit });

/** What the project sets itself to reach. */
export const targets = {
  threeToCockatiel: atMost(0.25, 'x', "what three policies add to a plain call, to what cockatiel's same three add"),
  threeToFloor: atMost(1.5, 'x', 'a call through three policies, to one async wrapper'),
  fourToFloor: {
    ...atMost(2, 'x', 'a call through four policies, to one async wrapper'),
    open: { limit: 2.3, why: 'each start looks at the clock once, as an exact window needs' },
  },
  fourToByHand: atMost(1.5, 'x', 'the same, to one async wrapper with an exact window written by hand'),
  resilientToCockatiel: atMost(
    0.33,
    'x',
    "what fallback, retry, circuit breaker and timeout add to a plain call, to what cockatiel's same four add",
  ),
  timeoutCost: {
    ...atMost(150, 'ns', 'what a timeout adds to a call through retry'),
    open: { limit: 260, why: 'one look at the clock, a call of its own, and a promise that either side may settle' },
  },
  hedgeCost: {
    ...atMost(
      250,
      'ns',
      'what a hedge adds to a call through retry, beyond one async wrapper, where the first run is quick',
    ),
    open: { limit: 300, why: 'met on a quiet machine; beyond what a timeout needs, a promise that a timer settles' },
  },
  circuitCost: {
    ...atMost(40, 'ns', 'what a circuit breaker adds to a call through retry'),
    open: { limit: 60, why: 'met on a quiet machine; where others use it, differences so small drown in noise' },
  },
  circuitWindowCost: {
    ...atMost(90, 'ns', 'the same, by a window'),
    open: { limit: 130, why: 'met on a quiet machine; where others use it, differences so small drown in noise' },
  },
  budgetCost: {
    ...atMost(30, 'ns', 'what a retry budget adds to a call through retry'),
    open: { limit: 45, why: 'met on a quiet machine; each deposit lies in the bucket of its time' },
  },
  cacheHit: {
    ...atMost(150, 'ns', 'a call that a cache answers, beyond a plain call'),
    open: { limit: 200, why: 'a key is made of the arguments, and one look at the clock tells the age' },
  },
  ownPolicyToWrapper: {
    ...atMost(1, 'x', 'what a policy by definePolicy adds to a call through retry, to what one async wrapper adds'),
    open: {
      limit: 4.5,
      why: 'what `around` gives goes on by one promise more, and each call is told of in an object of its own',
    },
  },
  crowd: {
    ...atMost(0.8, 'x', '10,000 callers through a limit of 10, to the fastest peer'),
    open: { limit: 1.1, why: 'on the newest Node the fastest peer is about level; 0.75 to 1.36 from run to run' },
  },
  crowdAlone: {
    ...atMost(0.8, 'x', 'the same, each in a process of its own that has warmed up nothing else'),
    open: { limit: 1.1, why: 'what waits is copied by the collector, which p-limit gives less to copy' },
  },
  crowdGrowth: {
    ...atMost(1.5, 'x', 'cost per call of 100,000 callers, to that of 1,000'),
    open: {
      limit: 8,
      why: 'what waits outgrows the young generation and is copied: an async function without a limit grows as much',
    },
  },
  crowdGrowthRoomy: atMost(1.5, 'x', 'the same under node --max-semi-space-size=256, where they have room'),
  metricsTime: atMost(4, 'µs', 'a call through retry, with metrics by OpenTelemetry'),
  spansTime: atMost(10, 'µs', 'the same, and with spans'),
  timers: atMost(1, 'timers', 'pending at once, for 200 callers who wait for a rate limit'),
  perInstance: atMost(16, 'bytes', 'what an instance of a decorated class takes, beyond one of a plain class'),
  importTime: {
    ...atMost(5, 'ms', 'importing `retry`, beyond importing reflect-metadata and its dependencies alone'),
    open: {
      limit: 22,
      why: 'on the newest Node: there is three times the code since all policies are there, in eight files, as the entries share it; a slow machine takes twice as long',
    },
  },
  storeTrips: atMost(1.01, 'trips', 'round trips of a start by a rate limit in a Redis that is not reached'),
  storeTripsSaturated: atMost(0.3, 'trips', 'the same where four processes wait'),
  storeRate: {
    ...atLeast(0.97, 'x', 'starts by four processes that wait, to the rate of their limit'),
    open: { limit: 0.9, why: 'met on a quiet machine; where others use it, permits lapse while a process is held up' },
  },
  slotTrips: atMost(1.3, 'trips', 'round trips of a slot of a concurrency limit in a Redis'),
  slotTripsContended: atMost(1.3, 'trips', 'round trips of such a slot where four processes wait'),
  workerCall: atMost(1.15, 'x', 'a cpuBound call with 1 ms of work, to raw tinypool'),
  batches: {
    ...atLeast(8, 'x', 'items per second of processAll, to one raw pool.run for each'),
    open: {
      limit: 5,
      why: 'met on a quiet machine; where others use it, a raw run, which mostly wakes a thread, costs half or twice as much',
    },
  },
  tasks: atLeast(1.7, 'x', '64 tasks of 20 ms: their time inline, to that on two workers'),
  jobCost: atMost(150, 'µs', "a queued call in the caller's processor time, with 100 at once"),
  jobs: {
    ...atLeast(2, 'x', "queued calls per second in a burst, to BullMQ's waitUntilFinished"),
    open: {
      limit: 0.9,
      why: "BullMQ's scripts in Redis and its worker take most of the time on both sides: see what a worker does while nobody waits",
    },
  },
  jobsOfWorker: {
    ...atLeast(
      0.9,
      'x',
      "queued calls per second in a burst, to the jobs that BullMQ's worker ends while nobody waits",
    ),
    open: {
      limit: 0.6,
      why: '0.7 to 1.1 from run to run on two busy cores, where who calls takes time from who works',
    },
  },
  jobsOfFour: {
    ...atLeast(2, 'x', "queued calls per second of four processes, to BullMQ's waitUntilFinished"),
    open: { limit: 0.9, why: '0.9 to 2 from run to run on two busy cores' },
  },
  stream: atMost(1, 'x', "items through processStream, to p-map's iterable"),
  streamHeap: atMost(20, 'MB', 'heap growth while items go through processStream'),
} satisfies Record<string, Target>;

export type TargetName = keyof typeof targets;

/** What a target demands for the time being. */
export const demandedOf = (target: Target): number => target.open?.limit ?? target.limit;

/** How much of the limit a figure makes up: above 1, the target is missed. */
export const shareOf = ({ side }: Target, limit: number, value: number): number =>
  side === 'at most' ? value / limit : limit / value;

/** Beyond this share, a target counts as lost even where the machine is noisy. */
export const lost = 4 / 3;
