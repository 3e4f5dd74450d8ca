// Prints by how many bytes the heap grows at the most while items go through processStream.
import { processStream } from 'opero';
import { service } from '../rows/service.js';

const total = Number(process.argv[2]);
const every = total / 20;

function* numbers(): Generator<number> {
  for (let i = 0; i < total; i++) yield i;
}

const heapUsed = (): number => {
  globalThis.gc?.();
  return process.memoryUsage().heapUsed;
};

for await (const _ of processStream(service, 'plain', [1, 2, 3])) heapUsed();
const first = heapUsed();
let most = first;
let seen = 0;
for await (const _ of processStream(service, 'plain', numbers())) {
  if (++seen % every !== 0) continue;
  most = Math.max(most, heapUsed());
}
console.log(seen === total ? most - first : Number.NaN);
