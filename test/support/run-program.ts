import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';

export interface Ended {
  /** The exit code; null when a signal ended it. */
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program of `test/support/programs` in a process of its own until it ends; after a minute it is killed. */
export function runProgram(name: string, { flags = [], args = [] }: { flags?: string[]; args?: string[] } = {}) {
  const file = fileURLToPath(new URL(`./programs/${name}.js`, import.meta.url));
  return runNode([...flags, file, ...args]);
}

/** Runs Node in the same way, with these arguments, this input, and these variables beside those of the test. */
export function runNode(args: string[], input = '', env: Readonly<Record<string, string>> = {}) {
  return new Promise<Ended>((resolve) => {
    const child = execFile(
      process.execPath,
      args,
      { timeout: 60_000, killSignal: 'SIGKILL', env: { ...process.env, ...env } },
      (_error, stdout, stderr) => resolve({ code: child.exitCode, stdout, stderr }),
    );
    // A program that ends at once takes no input.
    child.stdin?.on('error', () => {});
    child.stdin?.end(input);
  });
}
