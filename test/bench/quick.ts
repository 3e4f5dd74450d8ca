import { bulkhead, ConstantBackoff, fallback as cfallback, retry as cretry, handleAll, wrap } from 'cockatiel';
import { concurrency, fallback, retry } from 'opero';

class Service {
  async plain(x: number): Promise<number> {
    return x;
  }
  @fallback('other')
  @retry(3)
  @concurrency(10)
  async three(x: number): Promise<number> {
    return x;
  }
  async other(x: number): Promise<number> {
    return x;
  }
}
const service = new Service();
const policy = wrap(
  cfallback(handleAll, () => 0),
  cretry(handleAll, { maxAttempts: 3, backoff: new ConstantBackoff(1) }),
  bulkhead(10, 1e9),
);
async function wrapper(x: number) {
  return service.plain(x);
}
const rows: Record<string, (x: number) => Promise<number>> = {
  plain: (x) => service.plain(x),
  floor: (x) => wrapper(x),
  opero: (x) => service.three(x),
  cockatiel: (x) => policy.execute(() => service.plain(x)),
};
const times: Record<string, number[]> = {};
for (let round = 0; round < 20; round++) {
  for (const [name, fn] of Object.entries(rows)) {
    const t = performance.now();
    for (let i = 0; i < 50_000; i++) await fn(i);
    (times[name] ??= []).push((performance.now() - t) / 50);
  }
}
const median = (list: number[]) => list.slice(4).sort((a, b) => a - b)[Math.floor((list.length - 4) / 2)] as number;
for (const name of Object.keys(rows)) console.log(name, median(times[name] as number[]).toFixed(3), 'us');
const base = median(times.plain as number[]);
console.log(
  'added ratio to cockatiel',
  (median(times.opero) - base) / (median(times.cockatiel) - base),
  'floor ratio',
  median(times.opero) / median(times.floor),
);
