import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runInNewContext } from 'node:vm';
import { classesOf, errorMatcher, isErrorClass, toMatches } from '../../src/core/call/matcher.js';

class Problem {}
class Failure extends Error {}
const Foreign = runInNewContext('class Foreign extends Error {}; Foreign');
function Old() {}
Old.prototype = Object.create(Error.prototype);
function OldForeign() {}
OldForeign.prototype = Object.create(runInNewContext('Error').prototype);
const isFatal = (error: unknown): boolean => error === 'fatal';
function isSlow(error: unknown): boolean {
  return error === 'slow';
}

const matches = (matcher: never, error: unknown): unknown => toMatches(matcher)(error, {} as never, {} as never);

test('a class is one of errors, or any that is written as a class; other functions are predicates', () => {
  for (const type of [Error, TypeError, Failure, Problem, Foreign, Old, OldForeign]) {
    assert.equal(isErrorClass(type), true, type.name);
  }
  for (const other of [isFatal, isSlow, async () => true, undefined, null, 'Error', {}, Math.max]) {
    assert.equal(isErrorClass(other), false, String(other));
  }
});

test('a matcher names its classes apart from its predicates', () => {
  assert.deepEqual(classesOf([Failure, isFatal as never, Problem]), [Failure, Problem]);
  assert.deepEqual(classesOf(Failure), [Failure]);
  assert.deepEqual(classesOf(isFatal as never), []);
  assert.deepEqual(classesOf(undefined), []);
});

test('what is thrown is matched by its class, were it no error at all', () => {
  assert.equal(matches(Problem as never, new Problem()), true);
  assert.equal(matches(Problem as never, new Failure()), false);
  assert.equal(matches([TypeError, Failure] as never, new Failure()), true);
  assert.equal(matches([TypeError, Failure] as never, new RangeError()), false);
});

test('the built-in errors of another realm are matched too, and not what only looks like them', () => {
  const foreign = runInNewContext('new RangeError("no")');
  assert.equal(matches(RangeError as never, foreign), true);
  assert.equal(matches(Error as never, foreign), true);
  assert.equal(matches(TypeError as never, foreign), false);
  assert.equal(matches(RangeError as never, { name: 'RangeError', message: 'no' }), false);
});

test('a matcher is a class, a function, or a list of these and of nothing else', () => {
  for (const value of [Failure, isFatal, [Failure, isFatal], []]) assert.equal(errorMatcher.test(value), true);
  for (const value of [undefined, 'Error', [Failure, 'Error'], {}, function* () {}]) {
    assert.equal(errorMatcher.test(value), false, String(value));
  }
});
