// Writes to the terminal while bars are shown there.
// Arguments: lines (whole ones, to stdout and to stderr), parts (parts of lines), two (a second bar, which ends later),
// wide (a line that fills several rows), patched (somebody else puts a `write` of his own before ours meanwhile, and takes
// it away again, later than ours).
import { setTimeout as sleep } from 'node:timers/promises';
import { processAll, retry } from 'opero';

const has = (word: string): boolean => process.argv.includes(word);
const { stdout, stderr } = process;

class Service {
  @retry(1)
  async work(item: number): Promise<number> {
    // Once the bar is there: what was written before, it knows nothing of.
    while (stderr.isTTY && !Object.hasOwn(stderr, 'write')) await sleep(5);
    await sleep(60);
    if (has('lines')) {
      console.log(`out ${item}`);
      console.error(`error ${item}`);
      stdout.write(Buffer.from(`bytes ${item}\n`), () => {});
    }
    if (has('wide')) console.log('wide '.repeat(60).trim());
    if (has('parts')) {
      stdout.write(`begun ${item},`);
      await sleep(150);
      stdout.write(` ended ${item}\n`);
    }
    return item;
  }
}

const service = new Service();
const options = { concurrency: 1, progress: true };
const runs = [processAll(service, 'work', [1, 2, 3, 4], options)];
if (has('two')) runs.push(processAll(service, 'work', [1, 2, 3, 4, 5, 6, 7], options));

let restore = (): void => {};
if (has('patched')) {
  while (!Object.hasOwn(stdout, 'write')) await sleep(5);
  const ours = stdout.write;
  let passed = 0;
  const theirs = ((...args: Parameters<typeof ours>) => {
    passed++;
    return Reflect.apply(ours, stdout, args);
  }) as typeof ours;
  stdout.write = theirs;
  restore = () => {
    if (stdout.write !== theirs) throw new Error('their write is gone');
    stdout.write = ours;
    console.log(`through theirs: ${passed}`);
  };
}
await Promise.all(runs);
console.log('all done');
restore();
if (!has('patched')) console.log(`put back: ${!Object.hasOwn(stdout, 'write') && !Object.hasOwn(stderr, 'write')}`);
stdout.write('the end\n');
