// `opero top` on what it takes for a terminal, of 100 columns and 20 rows unless SIZE says otherwise: its keys are what comes in.
import { fileURLToPath } from 'node:url';

const { stdin, stdout } = process;
let isRaw = false;
Object.assign(stdin, {
  isTTY: true,
  setRawMode(raw: boolean) {
    isRaw = raw;
    return stdin;
  },
});
const [columns, rows] = (process.env.SIZE ?? '100x20').split('x').map(Number);
Object.assign(stdout, { isTTY: true, columns, rows });
// Where it may, it collects garbage all the time.
const { gc } = globalThis;
if (gc !== undefined) setInterval(() => gc(), 20).unref();
process.once('exit', (code) => stdout.write(`\nraw: ${isRaw}, status: ${code}`));
await import(fileURLToPath(new URL('../../../../dist/view/opero.js', import.meta.url)));
