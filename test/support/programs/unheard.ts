// Makes a million calls that nobody listens to, and says what the functions that tell of calls allocated, and by how much
// the heap grew; then the same for few calls with a listener. Needs --expose-gc.
import { Session } from 'node:inspector/promises';
import { concurrency, fallback, on, retry } from 'opero';

const collect = (globalThis as { gc?: () => void }).gc;
if (collect === undefined) throw new Error('run this with --expose-gc');

class Weather {
  @retry(3)
  @concurrency(10)
  @fallback('cached')
  async forecast(day: number): Promise<number> {
    return day;
  }

  async cached(day: number): Promise<number> {
    return day;
  }
}

/** The functions that make something, where somebody listens. */
const telling = ['observe', 'Trace', 'TracedCall', 'Attempt', 'factsOf', 'nextCallId', 'tell', 'beginWait', 'ToldWait'];

interface Node {
  readonly callFrame: { readonly functionName: string };
  readonly selfSize: number;
  readonly children: readonly Node[];
}

const allocatedIn = ({ callFrame, selfSize, children }: Node, isInside = false): number => {
  const isTelling = isInside || telling.includes(callFrame.functionName);
  return (isTelling ? selfSize : 0) + children.reduce((sum, child) => sum + allocatedIn(child, isTelling), 0);
};

const weather = new Weather();

async function calls(count: number): Promise<void> {
  for (let day = 0; day < count; day++) await weather.forecast(day);
}

async function allocatedBy(count: number): Promise<number> {
  const session = new Session();
  session.connect();
  // What is collected meanwhile counts too.
  const options = {
    samplingInterval: 512,
    includeObjectsCollectedByMajorGC: true,
    includeObjectsCollectedByMinorGC: true,
  };
  await session.post('HeapProfiler.startSampling', options);
  await calls(count);
  const { profile } = await session.post('HeapProfiler.stopSampling');
  session.disconnect();
  return allocatedIn(profile.head);
}

function heapUsed(): number {
  collect?.();
  return process.memoryUsage().heapUsed;
}

await calls(20_000);
const before = heapUsed();
await calls(1_000_000);
const grown = heapUsed() - before;
const unheard = await allocatedBy(50_000);
using _ = on('call', () => {});
const heard = await allocatedBy(5_000);
console.log(JSON.stringify({ grown, unheard, heard }));
