// Works on six items, one of which fails, and prints whether the library of the bar was loaded, what stderr got, and the handlers
// of signals seen on the way.
// Arguments: tty (stderr says it is a terminal), progress (ask for a bar), generator (no total is known), throw (the
// failure ends the run), dumb (so is the terminal), columns=10, pipe (what is a pipe says it is a terminal, and the program writes there too), unasked (a stream nobody asks for results), left (a stream that is asked for one result).
import { createRequire } from 'node:module';
import { processAll, processStream, retry } from 'opero';

const has = (word: string): boolean => process.argv.includes(word);
let written = '';
let handlers = 0;
process.env.TERM = 'xterm';

if (has('tty')) {
  Object.assign(process.stderr, {
    isTTY: true,
    columns: Number(process.argv.join(' ').match(/columns=(\d+)/)?.[1] ?? 100),
    cursorTo: () => true,
    clearLine: () => true,
    moveCursor: () => true,
    write: (text: string) => {
      written += text;
      return true;
    },
  });
}

if (has('dumb')) process.env.TERM = 'dumb';
if (has('pipe')) process.stderr.isTTY = true;

class Service {
  @retry(1)
  async work(item: number): Promise<number> {
    // Long enough for the bar to be loaded and drawn.
    await new Promise((resolve) => setTimeout(resolve, 60));
    for (const signal of ['SIGINT', 'SIGTERM']) handlers += process.listenerCount(signal);
    if (has('pipe')) console.error(`did ${item}`);
    if (item === 4) throw new Error('four');
    return item;
  }
}

const numbers = [1, 2, 3, 4, 5, 6];
const items = has('generator') ? numbers.values() : numbers;
const options = { concurrency: 2, ...(has('progress') && { progress: true }) };
const { cache } = createRequire(import.meta.url);
const service = new Service();

if (has('unasked')) processStream(service, 'work', items, options);
else if (has('left')) await processStream(service, 'work', items, { ...options, onError: 'collect' }).next();
else if (has('throw')) await processAll(service, 'work', items, options).catch(() => {});
else await processAll(service, 'work', items, { ...options, onError: 'collect' });

process.on('exit', () => {
  const loaded = Object.keys(cache).some((path) => path.includes('cli-progress'));
  console.log(JSON.stringify({ loaded, written, handlers }));
});
