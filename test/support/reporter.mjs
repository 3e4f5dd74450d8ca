/**
 * A reporter for `node --test`: one line for each test file, then each failure whole, then the closing lines of Node's
 * own runner in the form of its TAP ("# pass 12"), which programs read.
 */
import { subscribe } from 'node:diagnostics_channel';
import { relative, resolve } from 'node:path';
import { inspect } from 'node:util';

/** How long a file may run, in milliseconds. Longer than `--test-timeout`, which since Node 24 ends tests but no files. */
const timeLimit = 600_000;

/** How many lines of what a failed file printed are shown, and how much of it is kept, in characters. */
const linesShown = 60;
const outputKept = 100_000;

/** The processes that run the files. */
const children = new Set();
subscribe('child_process', ({ process: child }) => {
  children.add(child);
  child.once('exit', () => children.delete(child));
});

const shortOf = (file) => relative(process.cwd(), file);
const closing = /^(tests|suites|pass|fail|cancelled|skipped|todo|duration_ms) [\d.]+$/;

/** The runner counts each file as a test too: this is whether an event is about that one. */
const isOfWholeFile = ({ nesting, name, file }) => nesting === 0 && name !== undefined && resolve(name) === file;

/** What is known of one file. */
class FileRun {
  tests = 0;
  failed = 0;
  skipped = 0;
  todo = 0;
  /** Undefined until the file has ended. */
  milliseconds;
  passed = true;
  isTold = false;
  notes = [];
  output = '';

  constructor(file, limit) {
    this.file = file;
    this.timer = setTimeout(() => this.#kill(limit), limit);
    this.timer.unref();
  }

  count({ skip, todo }, isFailure) {
    this.tests++;
    if (skip !== undefined) this.skipped++;
    else if (todo !== undefined) this.todo++;
    else if (isFailure) this.failed++;
  }

  end({ duration_ms, passed }) {
    clearTimeout(this.timer);
    this.milliseconds = duration_ms;
    this.passed = passed;
  }

  line() {
    this.isTold = true;
    const counts = [this.tests === 1 ? '1 test' : `${this.tests} tests`];
    for (const kind of ['failed', 'skipped', 'todo']) if (this[kind] > 0) counts.push(`${this[kind]} ${kind}`);
    const time = this.milliseconds === undefined ? 'has not ended' : `${(this.milliseconds / 1000).toFixed(1)} s`;
    const mark = this.milliseconds !== undefined && this.passed && this.failed === 0 ? '✓' : '✗';
    const notes = this.notes.map((note) => `    ${note}\n`);
    return `${mark} ${shortOf(this.file)}  ${counts.join(', ')}, ${time}\n${notes.join('')}`;
  }

  print(text) {
    this.output = (this.output + text).slice(-outputKept);
  }

  #kill(limit) {
    this.notes.push(`killed: it had not ended after ${limit / 1000} s`);
    for (const child of children) {
      if (child.spawnargs?.some((arg) => resolve(arg) === this.file)) child.kill('SIGKILL');
    }
  }
}

/** The error of a failed test as text: class, message with its differences, stack, causes. */
function textOf(error) {
  const shown = error?.code === 'ERR_TEST_FAILURE' && error.cause !== undefined ? error.cause : error;
  return typeof shown === 'string' ? shown : inspect(shown, { depth: 8, breakLength: 120 });
}

/** Why a whole file failed, beyond its tests. */
function wholeFileText(error) {
  if (error.signal) return `its process was ended by ${error.signal}`;
  if (error.exitCode) return `its process ended with code ${error.exitCode}`;
  return textOf(error);
}

const indent = (text) => text.replace(/^(?=.)/gm, '    ');

/** Makes the reporter. `limit`: how many milliseconds a file may run before it is killed. */
export function newReporter(limit = timeLimit) {
  return async function* reporter(events) {
    const files = new Map();
    const names = [];
    const failures = [];
    const closingLines = [];
    let current;

    const runOf = (file) => files.get(file) ?? current ?? [...files.values()].find(({ isTold }) => !isTold);

    /** Files report one after the other: what comes from another file says that the one before has told all. */
    function* turnTo(run) {
      if (current !== undefined && current !== run && !current.isTold) yield current.line();
      current = run;
    }

    function* finish(data, isFailure) {
      const run = runOf(data.file);
      yield* turnTo(run);
      const { error, type } = data.details;
      const isReal = isFailure && data.todo === undefined;
      if (type !== 'suite') run.count(data, isFailure);
      if (isReal && error?.failureType !== 'subtestsFailed') {
        const isWhole = isOfWholeFile(data);
        const path = isWhole ? [] : [...names.slice(0, data.nesting), data.name];
        const place = isWhole ? '' : `:${data.line}:${data.column}`;
        failures.push({
          title: [`${shortOf(data.file)}${place}`, ...path].join(' > '),
          text: isWhole ? wholeFileText(error) : textOf(error),
        });
      }
      if (isOfWholeFile(data) && !run.isTold) yield run.line();
    }

    for await (const { type, data } of events) {
      if (type === 'test:dequeue' && isOfWholeFile(data)) {
        files.set(data.file, new FileRun(data.file, limit));
      } else if (type === 'test:start') {
        names[data.nesting] = data.name;
      } else if (type === 'test:pass' || type === 'test:fail') {
        yield* finish(data, type === 'test:fail');
      } else if (type === 'test:complete' && isOfWholeFile(data)) {
        const run = runOf(data.file);
        run.end(data.details);
        // Where none of its tests have come yet, it ended before its turn. Where more than its tests failed, that comes next.
        const isAllThere = data.details.passed || data.details.error?.failureType === 'subtestsFailed';
        if (run.tests > 0 && isAllThere && !run.isTold) yield run.line();
      } else if (type === 'test:stdout' || type === 'test:stderr') {
        runOf(data.file)?.print(data.message);
      } else if (type === 'test:diagnostic') {
        const isClosing = data.nesting === 0 && data.file === undefined && closing.test(data.message);
        if (isClosing) closingLines.push(`# ${data.message}\n`);
        else runOf(data.file)?.notes.push(data.message);
      }
    }

    for (const run of files.values()) if (!run.isTold) yield run.line();
    for (const [index, { title, text }] of failures.entries()) {
      yield `\nFailure ${index + 1} of ${failures.length}: ${title}\n\n${indent(text)}\n`;
    }
    for (const { file, passed, failed, output } of files.values()) {
      if ((passed && failed === 0) || output === '') continue;
      const lines = output.trimEnd().split('\n').slice(-linesShown);
      yield `\nThe end of what ${shortOf(file)} printed:\n\n${indent(lines.join('\n'))}\n`;
    }
    yield `\n${closingLines.join('') || '# the run was cut short\n'}`;
  };
}

export default newReporter();
