// `opero top` on what it takes for a terminal of 100 columns and 20 rows: its keys are what comes in.
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
Object.assign(stdout, { isTTY: true, columns: 100, rows: 20 });
process.once('exit', (code) => stdout.write(`\nraw: ${isRaw}, status: ${code}`));
await import(fileURLToPath(new URL('../../../../dist/view/opero.js', import.meta.url)));
