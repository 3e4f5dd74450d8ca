/** Flags that say what the program is: its text, or that it is to be tested; and, with it, of what kind its text is. */
const ofProgram = /^(--input-type|--eval|-e|--print|-p|-pe|--test(-[\w-]+)?|--watch(-[\w-]+)?)(=|$)/;

/** Flags that matter to a thread, and that it takes; one that it refuses would keep it from starting. */
const switches = [
  'warnings|deprecation|(throw|trace)-deprecation|trace-(warnings|uncaught)|preserve-symlinks',
  'experimental-(vm-modules|wasm-modules|import-meta-resolve|eventsource|strip-types|transform-types)',
].join('|');
const settings = 'unhandled-rejections|disable-warning|import|require|loader|experimental-loader|conditions';
const ofThread = new RegExp(`^(--(no-)?(${switches})|--(${settings}|enable-source-maps)|-r|-C)(=|$)`);

/**
 * The flags of Node for workers, where those of the program do not serve: they would run the text of the program again,
 * or refuse to run a file.
 */
export function execArgvOf(isProcess: boolean): { execArgv?: string[] } {
  const flags: string[][] = [];
  for (const each of process.execArgv) {
    if (each.startsWith('-')) flags.push([each]);
    else flags.at(-1)?.push(each);
  }
  const kept = flags.filter(([flag = '']) => !ofProgram.test(flag) && (isProcess || ofThread.test(flag)));
  const serves = isProcess
    ? kept.length === flags.length
    : !flags.some(([flag = '']) => flag.startsWith('--input-type'));
  return serves ? {} : { execArgv: kept.flat() };
}
