import { strict as assert } from 'node:assert';
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import { checkPackage, createPackageFromTarballData } from '@arethetypeswrong/core';
import { build } from 'esbuild';
import * as opero from 'opero';
import * as bullmq from 'opero/bullmq';
import * as nestjs from 'opero/nestjs';
import * as otel from 'opero/otel';
import * as prometheus from 'opero/prometheus';
import * as redis from 'opero/redis';
import * as testing from 'opero/testing';
import * as view from 'opero/view';
import * as vite from 'opero/vite';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';
import { kinds } from '../support/kinds.js';
import { blockIn, pages, printsOf, root } from '../support/pages.js';

const exec = promisify(execFile);
const { NODE_TEST_CONTEXT: _, FORCE_COLOR: __, ...env } = process.env;

interface Manifest {
  readonly dependencies: Readonly<Record<string, string>>;
  readonly peerDependencies: Readonly<Record<string, string>>;
  readonly peerDependenciesMeta: Readonly<Record<string, { readonly optional?: boolean }>>;
}

interface FurtherEntry {
  readonly exports: object;
  readonly values: readonly string[];
  readonly types: readonly string[];
  readonly peers: readonly string[];
}

interface Lock {
  readonly packages: Readonly<Record<string, { readonly hasInstallScript?: boolean; readonly dev?: boolean }>>;
}

const readJson = <T>(path: string): T => JSON.parse(readFileSync(resolve(root, path), 'utf8')) as T;
const manifest = readJson<Manifest>('package.json');
const lock = readJson<Lock>('package-lock.json');

let folder = '';
let tarball = '';
let packed: readonly string[] = [];

before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'opero-package-'));
  const { stdout } = await exec('npm', ['pack', '--json', '--pack-destination', folder], { cwd: root, env });
  const told = JSON.parse(stdout) as unknown;
  const [{ filename, files }] = (Array.isArray(told) ? told : Object.values(told as object)) as {
    filename: string;
    files: { path: string }[];
  }[];
  tarball = join(folder, filename);
  packed = files.map(({ path }) => path);
  await exec('tar', ['-xzf', tarball, '-C', folder]);
});

after(() => rmSync(folder, { recursive: true, force: true }));

/** What a program may import; a name stands in one of these lists before it is exported. */
const values = [
  ...kinds,
  'AllFailedError',
  'CircuitBreaker',
  'CircuitOpenError',
  'ConcurrencyLimiter',
  'ConfigurationError',
  'FallbackChain',
  'ItemError',
  'JobError',
  'LeaseLostError',
  'Orchestrator',
  'RateLimiter',
  'RejectedError',
  'RetryBudget',
  'RetryError',
  'StoreError',
  'TimeoutError',
  'WorkerError',
  'anything',
  'cacheOf',
  'callback',
  'captureArguments',
  'circuitOf',
  'configure',
  'configureFrom',
  'currentCall',
  'decorate',
  'decorateInstance',
  'definePolicy',
  'drain',
  'duration',
  'explain',
  'flag',
  'httpStatusOf',
  'isAllFailedError',
  'isCircuitOpenError',
  'isConfigurationError',
  'isItemError',
  'isJobError',
  'isLeaseLostError',
  'isRejectedError',
  'isRetryError',
  'isStoreError',
  'isTimeoutError',
  'isTransient',
  'isWorkerError',
  'logTo',
  'methods',
  'move',
  'on',
  'oneOf',
  'orchestrate',
  'parseRetryAfter',
  'policiesOf',
  'positive',
  'positiveInteger',
  'processAll',
  'processStream',
  'recordLatency',
  'register',
  'shutdown',
  'statsOf',
  'unusedConfiguration',
].sort();
const types = [
  'AdaptiveLimit',
  'Alternative',
  'AnyClass',
  'AnyFunction',
  'CacheConfig',
  'CacheHandle',
  'CallOutcome',
  'Chaos',
  'ChaosConfig',
  'CircuitBreakerConfig',
  'CircuitEvent',
  'CircuitHandle',
  'CircuitKey',
  'CircuitState',
  'ClassPolicies',
  'Collected',
  'ConcurrencyChange',
  'ConcurrencyConfig',
  'ConcurrencyInput',
  'ConcurrencyUse',
  'ConfigurableOptions',
  'CpuBoundConfig',
  'CurrentCall',
  'DelayEvent',
  'Delivered',
  'EndIsolation',
  'Entry',
  'ErrorClass',
  'ErrorMatcher',
  'ErrorPredicate',
  'EventKind',
  'Events',
  'FallbackConfig',
  'HedgeConfig',
  'HedgeDelay',
  'HedgeEvent',
  'HookContext',
  'InstancePolicies',
  'ItemOf',
  'Items',
  'ItemsOptions',
  'Latency',
  'LogLine',
  'MethodEntry',
  'MethodName',
  'MethodPolicies',
  'MethodStats',
  'Need',
  'OnError',
  'OperoEvent',
  'OrchestratorConfig',
  'Plain',
  'Policies',
  'PolicyCall',
  'PolicyChanges',
  'PolicyDecorator',
  'PolicyDefinition',
  'PolicyFactory',
  'PolicyInForce',
  'PolicyKind',
  'Primitive',
  'Progress',
  'QueueConfig',
  'QueuedOptions',
  'RateLimitChange',
  'RateLimitConfig',
  'RateLimitInput',
  'RateLimitUse',
  'ResourceLimits',
  'ResultOf',
  'ResultSharingConfig',
  'RetryBudgetConfig',
  'RetryConfig',
  'RetryEvent',
  'RotateConfig',
  'RotatedArgument',
  'Rule',
  'SharingConfig',
  'SignalPlace',
  'SingleFlightConfig',
  'StaleIfErrorConfig',
  'Stats',
  'Store',
  'StoreConfig',
  'StoreEvent',
  'StoreOptions',
  'StreamOptions',
  'TimeoutConfig',
  'TimeoutEvent',
  'Undo',
  'Wrapped',
];

/** Optional packages that an entry is given things of, or looks for in the project of the user when it runs, and imports nowhere. */
const foundAtRunTime = ['esbuild', 'ioredis', 'prom-client', 'redis', 'vite'];

/** What the further entries have, values and types, and which optional packages each of them imports. */
const furtherEntries: Readonly<Record<string, FurtherEntry>> = {
  bullmq: {
    exports: bullmq,
    values: ['enqueue', 'queued', 'serve'],
    types: ['ConnectionSource', 'EnqueueOptions', 'QueueConnection', 'QueuedConfig', 'ServeOptions', 'ServedWorker'],
    peers: ['bullmq'],
  },
  nestjs: {
    exports: nestjs,
    values: ['OperoExceptionFilter', 'OperoHealthIndicator', 'OperoModule', 'overridePolicies'],
    types: ['OperoHealth', 'OperoHealthOptions', 'OperoModuleAsyncOptions', 'OperoModuleOptions'],
    peers: ['@nestjs/common', '@nestjs/core', 'rxjs'],
  },
  otel: {
    exports: otel,
    values: ['instrument'],
    types: ['InstrumentOptions'],
    peers: ['@opentelemetry/api'],
  },
  prometheus: {
    exports: prometheus,
    values: ['collect', 'metricsText'],
    types: ['MetricsRegistry'],
    peers: [],
  },
  redis: {
    exports: redis,
    values: ['redisStore'],
    types: ['IoRedis', 'NodeRedis', 'RedisClient', 'RedisSender', 'RedisStoreOptions'],
    peers: [],
  },
  testing: {
    exports: testing,
    values: ['failTimes', 'memoryStore', 'resetState', 'useStore', 'withoutPolicies', 'withoutWaits'],
    types: ['AnyConstructor', 'Failure', 'MemoryStoreOptions', 'Restore'],
    peers: [],
  },
  view: {
    exports: view,
    values: ['startView'],
    types: ['View', 'ViewConfig'],
    peers: [],
  },
  vite: {
    exports: vite,
    values: ['default', 'opero'],
    types: ['DecoratorsPlugin'],
    peers: [],
  },
};

/** The names in the declarations of an entry: of values, and of types alone. */
function declaredNames(entry: string): { values: string[]; types: string[] } {
  const found = { values: [] as string[], types: [] as string[] };
  const text = readFileSync(join(root, 'dist', entry), 'utf8');
  for (const { 1: all, 2: list = '' } of text.matchAll(/^export (type )?\{([^}]*)\} from '.+';$/gm)) {
    for (const { 1: type, 2: name = '' } of list.matchAll(/(type )?(?:\w+ as )?(\w+)/g)) {
      found[(all ?? type) ? 'types' : 'values'].push(name);
    }
  }
  assert.equal(text.match(/^export /gm)?.length, text.match(/^export (type )?\{[^}]*\} from /gm)?.length);
  return { values: found.values.sort(), types: found.types.sort() };
}

describe('the package', () => {
  test('exports these names, and no others', () => {
    assert.deepEqual(Object.keys(opero).sort(), values);
    assert.deepEqual(declaredNames('index.d.ts'), { values, types });
    for (const [name, { exports, values, types }] of Object.entries(furtherEntries)) {
      assert.deepEqual(Object.keys(exports).sort(), values);
      assert.deepEqual(declaredNames(`${name}/index.d.ts`), { values, types });
    }
  });

  test('holds what a user needs, and nothing else', () => {
    const further = Object.keys(furtherEntries).map((name) => `dist/${name}/index`);
    const entries = ['dist/index', ...further].flatMap((each) => [`${each}.js`, `${each}.d.ts`]);
    const wanted = [
      ...entries,
      'dist/view/opero.js',
      'dist/workers/entry.js',
      'src/index.ts',
      'src/prometheus/grafana.json',
    ];
    // A page shows the drawing.
    const documents = [...pages.map(({ path }) => path), 'test/bench/adaptive.svg'];
    for (const file of [...wanted, ...documents, 'LICENSE', 'CHANGELOG.md', 'package.json']) {
      assert.ok(packed.includes(file), file);
    }
    assert.ok(packed.some((file) => /^dist\/workers\/chunk-.*\.js\.map$/.test(file)));
    const other = packed.filter(
      (file) => !/^(dist|src)\/|^(LICENSE|CHANGELOG|package)(\.md|\.json)?$/.test(file) && !documents.includes(file),
    );
    assert.deepEqual(other, []);
  });

  test('is clean by publint', async () => {
    const { messages, pkg } = await publint({ pkgDir: join(folder, 'package'), strict: true, pack: false });
    assert.deepEqual(
      messages.map((message) => formatMessage(message, pkg)),
      [],
    );
  });

  test('has types that resolve, by attw', async () => {
    const result = await checkPackage(createPackageFromTarballData(readFileSync(tarball)));
    assert.ok(result.types);
    // It is a package of ES modules: that CommonJS cannot require it on old Nodes is meant.
    const problems = result.problems.filter(({ kind }) => kind !== 'CJSResolvesToESM');
    assert.deepEqual(problems, []);
  });

  test('depends on what its code imports, and on nothing else', () => {
    const code = packed
      .filter((file) => /^dist\/.*\.js$/.test(file))
      .map((file) => readFileSync(join(root, file), 'utf8'));
    const specifiers = code.flatMap((text) =>
      [...text.matchAll(/(?:from|import|createRequire\d*\(import\.meta\.url\))\s*\(?["']([^"'.][^"']*)["']/g)].map(
        ([, specifier = '']) => specifier,
      ),
    );
    const names = specifiers
      .filter((each) => !each.startsWith('node:'))
      .map((each) => /^(@[^/]+\/)?[^/]+/.exec(each)?.[0]);
    const { dependencies, peerDependencies, peerDependenciesMeta } = manifest;
    const peers = Object.values(furtherEntries).flatMap((entry) => entry.peers);
    const wanted = new Set([...Object.keys(dependencies), ...peers]);
    assert.deepEqual([...new Set(names)].sort(), [...wanted].sort());
    assert.deepEqual(Object.keys(peerDependencies).sort(), [...new Set([...peers, ...foundAtRunTime])].sort());
    for (const peer of Object.keys(peerDependencies)) assert.equal(peerDependenciesMeta[peer]?.optional, true, peer);
  });

  test('imports what is optional nowhere but in the entries for it', () => {
    const optional = Object.keys(manifest.peerDependencies);
    const importsOf = (file: string): string[] =>
      [...readFileSync(join(root, file), 'utf8').matchAll(/(?:from|import)\s*\(?\s*["']([^"']+)["']/g)].map(
        ([, specifier = '']) => specifier,
      );
    const reachedFrom = (entry: string): string[] => {
      const files = new Set([entry]);
      const others: string[] = [];
      for (const file of files) {
        for (const each of importsOf(file)) {
          if (each.startsWith('.')) files.add(join(dirname(file), each));
          else if (optional.includes(each)) others.push(each);
        }
      }
      return [...new Set(others)].sort();
    };
    assert.deepEqual(reachedFrom('dist/index.js'), []);
    for (const [name, { peers }] of Object.entries(furtherEntries)) {
      assert.deepEqual(reachedFrom(`dist/${name}/index.js`), peers, name);
    }
  });

  test('brings no install script with it', () => {
    const brought = Object.entries(lock.packages).filter(([path, { dev }]) => path !== '' && dev !== true);
    assert.deepEqual(
      brought.filter(([, { hasInstallScript }]) => hasInstallScript).map(([path]) => path),
      [],
    );
    const names = brought.map(([path]) => path.replace(/^.*node_modules\//, ''));
    for (const name of Object.keys(manifest.dependencies)) assert.ok(names.includes(name), name);
  });
});

/** Bundles a program for Node, in which esbuild must find nothing to warn about. */
async function bundled(contents: string): Promise<string> {
  const { outputFiles, warnings } = await build({
    stdin: { contents, resolveDir: join(root, 'build'), loader: 'ts' },
    bundle: true,
    minify: true,
    write: false,
    format: 'esm',
    platform: 'node',
    target: 'es2022',
    logLevel: 'silent',
  });
  assert.deepEqual(warnings, []);
  return outputFiles?.[0]?.text ?? '';
}

let bundles = 0;

/** Runs a bundle from a folder where there is no package; gives what it prints. */
async function output(code: string): Promise<string> {
  const file = join(folder, `bundle-${bundles++}.mjs`);
  writeFileSync(file, code);
  const { stdout, stderr } = await exec(process.execPath, [file], { cwd: folder, env });
  assert.equal(stderr, '');
  return stdout;
}

describe('a bundle that imports retry alone', () => {
  let code = '';
  before(async () => {
    code = await bundled("export { retry } from 'opero';");
  });

  test('is small', (t) => {
    t.diagnostic(`\`import { retry }\`, bundled and minified: ${code.length} bytes, ${gzipSync(code).length} zipped`);
    assert.ok(code.length > 10_000 && code.length < 63_000, `${code.length} bytes`);
  });

  test('holds neither tinypool, nor worker code, nor the progress bar', () => {
    for (const absent of [
      'tinypool',
      'cli-progress',
      'node:worker_threads',
      'structuredClone',
      'async-sema',
      'lru-cache',
      'definePolicy',
    ]) {
      assert.equal(code.includes(absent), false, absent);
    }
  });

  test('holds nothing of opero/testing, nor of opero/nestjs', () => {
    for (const absent of ['MessageChannel', 'failTimes', 'OperoModule', '@nestjs'])
      assert.equal(code.includes(absent), false, absent);
  });

  test('holds nothing of opero/view', () => {
    for (const absent of ['node:http', 'createServer', 'text/event-stream']) {
      assert.equal(code.includes(absent), false, absent);
    }
  });

  test('runs a decorated class', async () => {
    const program = `
      import { retry } from 'opero';
      class Shop {
        @retry({ maxAttempts: 2, waitMin: 1 }) async buy() {
          if (tries++ === 0) throw new Error('no');
          return 'bought';
        }
      }
      let tries = 0;
      console.log(await new Shop().buy(), tries, Object.hasOwn(Shop, Symbol.metadata));
    `;
    assert.equal(await output(await bundled(program)), 'bought 2 true\n');
  });

  test('has Symbol.metadata there for the decorators of others, even if nothing is imported by name', async () => {
    assert.equal(await output(await bundled("import 'opero'; console.log(typeof Symbol.metadata);")), 'symbol\n');
  });
});

describe('the package, installed into an empty project', () => {
  const project = (): string => join(folder, 'project');
  const run = (file: string, args: readonly string[]): Promise<{ stdout: string }> =>
    exec(process.execPath, [file, ...args], { cwd: project(), env });

  before(async () => {
    mkdirSync(join(project(), 'src'), { recursive: true });
    writeFileSync(join(project(), 'package.json'), '{ "type": "module" }');
    await exec('npm', ['install', tarball, '--prefer-offline', '--no-audit', '--no-fund'], { cwd: project(), env });
    mkdirSync(join(project(), 'node_modules', '@types'));
    symlinkSync(join(root, 'node_modules/@types/node'), join(project(), 'node_modules/@types/node'));
    writeFileSync(join(project(), 'tsconfig.json'), blockIn('A first example', 'json'));
    writeFileSync(join(project(), 'src', 'weather.ts'), blockIn('A first example', 'ts'));
  });

  test('has what it depends on, and nothing for development', () => {
    const installed = readJson<Lock>(join(project(), 'package-lock.json')).packages;
    for (const name of Object.keys(manifest.dependencies)) assert.ok(installed[`node_modules/${name}`], name);
    assert.ok(Object.keys(installed).length < 20, Object.keys(installed).join());
  });

  test('compiles the first example of the README strictly, and runs it', async () => {
    const tsc = join(dirname(createRequire(import.meta.url).resolve('typescript/package.json')), 'bin', 'tsc');
    await run(tsc, ['-p', '.', '--skipLibCheck', 'false']).catch(({ stdout }: { stdout: string }) =>
      assert.fail(stdout),
    );
    const { stdout } = await run('dist/weather.js', []);
    assert.deepEqual(stdout.trimEnd().split('\n'), printsOf(blockIn('A first example', 'ts')));
  });

  test('has one copy of the core in all of its entries', async () => {
    const program = `
      import { retry } from 'opero';
      import { failTimes, withoutWaits } from 'opero/testing';
      class Shop {
        async buy() { return 'bought'; }
      }
      const metadata = Shop[Symbol.metadata] = {};
      const addInitializer = () => {};
      const context = { kind: 'method', name: 'buy', static: false, private: false, metadata, addInitializer };
      const decorated = retry({ maxAttempts: 3, waitMin: 3_600_000 })(Shop.prototype.buy, context);
      Object.defineProperty(Shop.prototype, 'buy', { value: decorated, configurable: true, writable: true });
      const waits = withoutWaits();
      failTimes(Shop, 'buy', 2, new Error('sold out'));
      console.log(await new Shop().buy());
      waits();
    `;
    writeFileSync(join(project(), 'testing.mjs'), program);
    assert.equal((await run('testing.mjs', [])).stdout, 'bought\n');
  });

  test('has a view whose page is in its code, and a command that shows it', async () => {
    const program = `
      import { startView } from 'opero/view';
      const view = await startView();
      const page = await (await fetch(view.url)).text();
      console.log(/<script type="module">\\S/.test(page), /<style>\\S/.test(page));
    `;
    writeFileSync(join(project(), 'view.mjs'), program);
    assert.equal((await run('view.mjs', [])).stdout, 'true true\n');
    const { stdout } = await exec('npx', ['--no', 'opero'], { cwd: project(), env });
    assert.match(stdout, /^usage: opero top /);
  });

  test('runs a cpuBound method in a worker', async () => {
    const decorated = `
      import { Orchestrator, shutdown } from 'opero';
      const module = new URL('./double.mjs', import.meta.url);
      const { double } = await import(module);
      console.log(await new Orchestrator({ cpuBound: module.href }).execute(double, 21));
      await shutdown();
    `;
    writeFileSync(join(project(), 'double.mjs'), 'export const double = (n) => n * 2;');
    writeFileSync(join(project(), 'program.mjs'), decorated);
    assert.equal((await run('program.mjs', [])).stdout, '42\n');
  });
});
