/**
 * A few hundred calls under seven policies to a server that fails, stalls and is down on purpose, and what the server saw of
 * them; then the text files of node_modules, studied inline and on workers.
 */
import { fork } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { circuitOf, policiesOf, statsOf } from 'opero';
import { play, serverIn, tell } from './acts.js';
import type { Ask, Outcome } from './calls.js';
import { watchTimers } from './late.js';
import { type Lane, optionOf } from './lines.js';
import { canRedraw, lineOf, showInPlace, tellNow } from './live.js';
import { readOptions } from './options.js';
import { paintFor } from './paint.js';
import { type Act, makePlan } from './plan.js';
import { type CircuitNote, events, warmUp } from './request.js';
import { AlpineWeather, Weather } from './service.js';
import { exitStatus, summarize } from './summary.js';
import { showCalls, showSummary, wrap } from './table.js';
import { type Show, showTexts, studyTexts, textFiles, textsLine, textsTask } from './texts.js';

const { seed, quick, json, view: isViewed } = readOptions();
const beganAt = performance.now();

/** What happens is told on stderr: drawn on a terminal, else in plain lines, which nobody reads beside JSON. */
const { stderr } = process;
const isTerminal = canRedraw(stderr);
const isPlain = !isTerminal && !json;
const say = (line: string): unknown => stderr.write(`${line}\n`);
let now = (): string => 'the server starts';
const teller = isPlain ? tellNow(() => now(), say) : undefined;

/** Which methods of which classes are called, and how often in each wave. */
const sites = [
  { type: Weather, method: 'forecast', perWave: quick ? 26 : 44 },
  { type: AlpineWeather, method: 'forecast', perWave: quick ? 24 : 36 },
  { type: AlpineWeather, method: 'warnings', perWave: quick ? 14 : 26 },
] as const;
const lanes = sites.map(({ type, method, perWave }) => {
  const policies = policiesOf(type, method);
  const limit = optionOf({ policies }, 'concurrency', 'limit');
  return { name: `${type.name}.${method}`, policies, limit, perWave, stats: () => statsOf(type, method) };
});

const plan = makePlan(
  seed,
  quick ? 1 : 2,
  quick ? 1_000 : 2_000,
  lanes.map(({ name, perWave, limit }) => ({ lane: name, perWave, slots: limit })),
);
const server = fork(fileURLToPath(new URL('./server.js', import.meta.url)), { execArgv: [] });
process.once('exit', () => server.kill());
process.once('SIGINT', () => process.exit(130));

const listening = await tell(server, { plan });
const port = listening !== 'done' && 'port' in listening ? listening.port : 0;
await warmUp(port);
const weather = new Weather(port);
const alps = new AlpineWeather(port);
const asks: Record<string, Ask> = {
  'Weather.forecast': (station, signal) => weather.forecast(station, { signal }),
  'AlpineWeather.forecast': (station, signal) => alps.forecast(station, { signal }),
  'AlpineWeather.warnings': (station, signal) => alps.warnings(station, signal),
};
const hungUp = { timeout: 0, cancel: 0 };
events.on('hungUp', (kind) => {
  hungUp[kind]++;
});

const circuits: CircuitNote[] = [];
events.on('circuit', (note) => circuits.push(note));

/** What the calls do, as a page; it ends with the program. */
if (isViewed) {
  const { startView } = await import('opero/view');
  const { url } = await startView();
  say(`a live view of the calls: ${url}`);
}

const outcomes: Record<Outcome, number> = { succeeded: 0, fallback: 0, cancelled: 0, failed: 0 };
const titleOf = (act: Act): string => `${plan.length} calls to a server that ${serverIn[act]} (seed ${seed})`;
const state = { title: titleOf('storm'), total: plan.length, lanes, outcomes };
const stopLive = isTerminal ? showInPlace(state, stderr) : () => {};
now = () => lineOf(state);

const late = watchTimers();
const calls = await play(plan, asks, {
  // The next call of each method is a probe then.
  afterOutage: 50 + Math.max(...lanes.map((lane) => optionOf(lane, 'circuitBreaker', 'halfOpenAfter'))),
  tell: (order) => tell(server, order),
  onAct: (act) => {
    state.title = titleOf(act);
    if (isPlain) say(state.title);
  },
  onEnd: ({ outcome }) => {
    outcomes[outcome]++;
  },
});

// A cancelled call has rejected long before its request is over: wait for that, but not for ever.
for (let tries = 0; tries < 100 && lanes.some(({ stats }) => stats().running > 0); tries++) await sleep(10);
stopLive();
const lateInCalls = late();
const told = await tell(server, 'report');
server.kill();
if (told === 'done' || !('record' in told)) throw new Error('the server gave no record');

const ended: Lane[] = sites.map(({ type, method }, index) => ({
  ...(lanes[index] as (typeof lanes)[number]),
  stats: statsOf(type, method),
  circuit: circuitOf(type, method).state,
}));

const modules = fileURLToPath(new URL('../../../node_modules', import.meta.url));
const files = textFiles(modules).filter((_, index) => !quick || index % 7 === 3);
const task = textsTask(files);
if (isTerminal) say(`\n${task}`);
if (isPlain) say(task);
now = () => 'the threads warm up';
const show: Show = (run) => {
  if (isTerminal) {
    say(`${run}:`);
    return { progress: true };
  }
  let done = 0;
  now = () => `${run}: ${done} of ${files.length} files done`;
  return {
    onProgress: (progress) => {
      done = progress.done;
      teller?.check();
    },
  };
};
const texts = await studyTexts(files, show);
teller?.stop();
const client = { calls, planned: plan.length, lanes: ended, hungUp, circuits, late: lateInCalls };
const summary = summarize(client, told.record, [textsLine(texts)]);
const seconds = Math.round(performance.now() - beganAt) / 1000;
if (json) {
  console.log(JSON.stringify({ seed, quick, seconds, ...summary, texts }, undefined, 2));
} else {
  const { stdout } = process;
  const columns = (stdout.isTTY && stdout.columns) || 80;
  console.log(`${showTexts(texts)}\n\n${wrap(showCalls(summary), 79)}\n`);
  console.log(`${showSummary(summary, columns, paintFor(stdout))} The run took ${seconds.toFixed(1)} s.`);
}
process.exitCode = exitStatus(summary);
