import { execFile, spawn } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { here, out, run } from './compile.mjs';
import { nextCompilerOptions, nextFiles } from './readme.mjs';

const exec = promisify(execFile);
const folder = join(here, 'next');
/** Beside what is installed, where the compiler looks for it. */
const applications = join(folder, 'out');
const bin = join(folder, 'node_modules/next/dist/bin/next');

/** Installs Next as the lock file has it, and opero as `npm pack` gives it. */
export async function install() {
  const packed = mkdtempSync(join(tmpdir(), 'opero-next-'));
  const npm = (...args) => exec('npm', [...args, '--no-audit', '--no-fund', '--prefer-offline'], { cwd: folder });
  try {
    await npm('ci');
    await exec('npm', ['pack', '--pack-destination', packed], { cwd: join(here, '../..') });
    await npm('install', '--no-save', '--no-package-lock', join(packed, 'opero-0.1.0.tgz'));
  } finally {
    rmSync(packed, { recursive: true, force: true });
  }
}

export function remove() {
  rmSync(applications, { recursive: true, force: true });
  rmSync(out, { recursive: true, force: true });
}

/** An application with the files of the page. */
export function application(name, compilerOptions = nextCompilerOptions) {
  const made = join(applications, name);
  cpSync(join(folder, 'application'), made, { recursive: true });
  for (const [file, code] of Object.entries(nextFiles)) {
    mkdirSync(dirname(join(made, file)), { recursive: true });
    writeFileSync(join(made, file), code);
  }
  const tsconfig = JSON.parse(readFileSync(join(made, 'tsconfig.json'), 'utf8'));
  Object.assign(tsconfig.compilerOptions, compilerOptions);
  writeFileSync(join(made, 'tsconfig.json'), JSON.stringify(tsconfig));
  return made;
}

const environment = { ...process.env, NEXT_TELEMETRY_DISABLED: '1' };
delete environment.NODE_TEST_CONTEXT;

export const build = (cwd) => run([bin, 'build'], { cwd, env: environment, timeout: 240_000 });

/** Starts what was built; gives its address, and what ends it. */
export async function start(cwd, added) {
  const child = spawn(process.execPath, [bin, 'start', '--port', '0', '--hostname', '127.0.0.1'], {
    cwd,
    env: { ...environment, ...added },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const ended = new Promise((resolve) => child.once('exit', resolve));
  const stop = async () => {
    child.kill();
    await ended;
  };
  let said = '';
  const url = new Promise((resolve, reject) => {
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (chunk) => {
        said += chunk;
        const [address] = /http:\/\/127\.0\.0\.1:\d+/.exec(said) ?? [];
        if (address !== undefined && /Ready/.test(said)) resolve(address);
      });
    }
    ended.then((code) => reject(new Error(`next start ended with ${code}: ${said}`)));
  });
  return { url: await url, stop, said: () => said };
}
