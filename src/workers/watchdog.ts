import { Worker } from 'node:worker_threads';

/** How often a worker process looks whether its parent is still there, in milliseconds. */
const interval = 250;

/** What the watching thread runs. A process whose parent has died is given another one. */
const code = `
const { workerData } = require('node:worker_threads');
setInterval(() => {
  if (process.ppid !== workerData.parent) process.kill(process.pid, 'SIGKILL');
}, workerData.interval);
`;

/** Ends this process with its parent, however that ends, and however busy this process is. */
export function endWithParent(): void {
  // It closed before anybody listened, and who is the parent by now is another process.
  if (!process.connected) process.exit();
  // The channel closes with the parent: told at once, unless a job keeps the thread busy.
  process.once('disconnect', () => process.exit());
  // Windows ends it by itself: Node puts its children into a job object.
  if (process.platform !== 'win32') watch();
}

/** Watches the parent from a thread, which runs whatever the main one does. */
function watch(): void {
  try {
    const thread = new Worker(code, {
      eval: true,
      workerData: { parent: process.ppid, interval },
      // Nothing of the program is to be loaded there, nor any stream to be opened here.
      execArgv: [],
      env: {},
      stdout: true,
      stderr: true,
      trackUnmanagedFds: false,
    });
    thread.on('error', () => {});
    thread.unref();
  } catch {
    // A program that may start processes but no threads does without.
  }
}
