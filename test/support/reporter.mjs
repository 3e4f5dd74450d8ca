/**
 * A reporter for `node --test`: one line for each test file, then each failure whole, then the closing lines of Node's
 * own runner in the form of its TAP ("# pass 12"), which programs read.
 */
import { subscribe } from 'node:diagnostics_channel';
import { writeSync } from 'node:fs';
import { basename, extname, relative, resolve } from 'node:path';
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
const stemOf = (file) => basename(file, extname(file));
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

  #timer;

  constructor(file, limit) {
    this.file = file;
    this.#timer = setTimeout(() => this.#kill(limit), limit);
    this.#timer.unref();
  }

  count({ skip, todo }, isFailure) {
    this.tests++;
    if (skip !== undefined) this.skipped++;
    else if (todo !== undefined) this.todo++;
    else if (isFailure) this.failed++;
  }

  end(milliseconds, passed) {
    clearTimeout(this.#timer);
    this.milliseconds = milliseconds;
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

/** What is known of the whole run. Its generators give text as soon as there is some to print. */
class Report {
  #limit;
  /** The files that have begun, in that order, which is the order in which they report. */
  #files = new Map();
  /** The names of the tests around the one that reports. */
  #names = [];
  #failures = [];
  /** Tests that were given up because something around them failed, which stands among the failures. */
  #givenUp = [];
  #closingLines = [];
  #current;

  constructor(limit) {
    this.#limit = limit;
  }

  *take({ type, data }) {
    if (type === 'test:dequeue' && isOfWholeFile(data)) {
      this.#files.set(data.file, new FileRun(data.file, this.#limit));
    } else if (type === 'test:start') {
      this.#names[data.nesting] = data.name;
    } else if (type === 'test:pass' || type === 'test:fail') {
      yield* this.#finish(data, type === 'test:fail');
    } else if (type === 'test:complete' && isOfWholeFile(data)) {
      yield* this.#endFile(this.#runOf(data.file), data.details);
    } else if (type === 'test:stdout' || type === 'test:stderr') {
      this.#runOf(data.file)?.print(data.message);
    } else if (type === 'test:diagnostic') {
      const isClosing = data.nesting === 0 && data.file === undefined && closing.test(data.message);
      if (isClosing) this.#closingLines.push(`# ${data.message}\n`);
      else this.#runOf(data.file)?.notes.push(data.message);
    }
  }

  /** The files that are left, the failures, what their files printed, and the closing lines. */
  *rest() {
    for (const run of this.#files.values()) if (!run.isTold) yield run.line();
    for (const [index, { title, text }] of this.#failures.entries()) {
      yield `\nFailure ${index + 1} of ${this.#failures.length}: ${title}\n\n${indent(text)}\n`;
    }
    if (this.#givenUp.length > 0) yield `\nGiven up with what failed around them, or because their file ended:\n\n`;
    for (const title of this.#givenUp) yield `    ${title}\n`;
    for (const { file, passed, failed, output } of this.#files.values()) {
      if ((passed && failed === 0) || output === '') continue;
      const lines = output.trimEnd().split('\n').slice(-linesShown);
      yield `\nThe end of what ${shortOf(file)} printed:\n\n${indent(lines.join('\n'))}\n`;
    }
    yield `\n${this.#closingLines.join('') || '# the run was cut short\n'}`;
  }

  #runOf(file) {
    const known = this.#files.get(file);
    if (known !== undefined) return known;
    const untold = [...this.#files.values()].filter(({ isTold }) => !isTold);
    // Source maps give a test the file of its source: test/a.test.ts, where build/test/a.test.js runs, or another build.
    const mapped = file && untold.find((run) => stemOf(run.file) === stemOf(file));
    if (mapped) return mapped;
    // A helper's file: the test counts for the file that reports.
    return this.#current?.isTold === false ? this.#current : untold[0];
  }

  *#finish(data, isFailure) {
    const run = this.#runOf(data.file);
    if (run === undefined) return;
    // Files report one after the other: what comes from another file says that the one before has told all.
    if (this.#current !== undefined && this.#current !== run && !this.#current.isTold) yield this.#current.line();
    this.#current = run;
    if (data.details.type !== 'suite') run.count(data, isFailure);
    if (isFailure && data.todo === undefined) this.#fail(data);
    if (isOfWholeFile(data) && !run.isTold) yield run.line();
  }

  #fail(data) {
    const { error } = data.details;
    if (error?.failureType === 'subtestsFailed') return;
    if (isOfWholeFile(data)) {
      this.#failures.push({ title: shortOf(data.file), text: wholeFileText(error) });
      return;
    }
    const path = [...this.#names.slice(0, data.nesting), data.name];
    const place = `${shortOf(data.file)}:${data.line}:${data.column}`;
    const title = [place, ...path].join(' > ');
    if (error?.failureType === 'cancelledByParent') this.#givenUp.push(title);
    else this.#failures.push({ title, text: textOf(error) });
  }

  *#endFile(run, { duration_ms, passed, error }) {
    run.end(duration_ms, passed);
    // Where none of its tests have come yet, it ended before its turn. Where more than its tests failed, that comes next.
    const isAllThere = passed || error?.failureType === 'subtestsFailed';
    if (run.tests > 0 && isAllThere && !run.isTold) yield run.line();
  }
}

/** Makes the reporter. `limit`: how many milliseconds a file may run before it is killed. */
export function newReporter(limit = timeLimit) {
  return async function* reporter(events) {
    const report = new Report(limit);
    // Where a signal ends the run: nothing else would say which file ran, or end its process.
    const onExit = () => {
      for (const child of children) child.kill('SIGKILL');
      writeSync(1, [...report.rest()].join(''));
    };
    process.once('exit', onExit);
    for await (const event of events) yield* report.take(event);
    process.off('exit', onExit);
    yield* report.rest();
  };
}

export default newReporter();
