import { strict as assert } from 'node:assert';
import { afterEach, describe, mock, test } from 'node:test';
import { type ArgumentsHost, Logger } from '@nestjs/common';
import type { HttpAdapterHost } from '@nestjs/core';
import { AllFailedError, CircuitOpenError, RejectedError, RetryError, TimeoutError } from 'opero';
import { OperoExceptionFilter } from 'opero/nestjs';

const hostOf = (type: string, response: unknown = {}): ArgumentsHost => {
  const http = { getRequest: () => ({}), getResponse: () => response, getNext: () => () => {} };
  return { getType: () => type, switchToHttp: () => http } as unknown as ArgumentsHost;
};

/** What a filter does with a response, in order. */
function told(error: unknown, headersSent = false): unknown[] {
  const calls: unknown[] = [];
  const response = {
    headersSent,
    header: (...given: unknown[]) => calls.push(given),
    status: (code: number) => calls.push(code),
    send: (body: object) => calls.push(body),
    end: () => calls.push('end'),
  };
  assert.equal(new OperoExceptionFilter().catch(error, hostOf('http', response)), undefined);
  return calls;
}

const answer = (statusCode: number, message: string): unknown[] => [statusCode, { statusCode, message }];
const tooMany = answer(429, 'Too Many Requests');
const unavailable = answer(503, 'Service Unavailable');
const late = answer(504, 'Gateway Timeout');

const rejected = (retryAfter?: number): Error => new RejectedError('no', 'rateLimit', 'wait-timeout', retryAfter);
const open = (retryAfter: number): Error => new CircuitOpenError('no', 'open', retryAfter, undefined);

describe('OperoExceptionFilter over HTTP', () => {
  for (const [what, error, calls] of [
    ['a limit that knows when', rejected(1_500), [['Retry-After', '2'], ...tooMany]],
    ['a limit that knows it to the second', rejected(3_000), [['Retry-After', '3'], ...tooMany]],
    ['a limit that lets calls through by now', rejected(0), [['Retry-After', '1'], ...tooMany]],
    ['a limit that does not know when', rejected(), tooMany],
    ['a full queue', new RejectedError('no', 'concurrency', 'queue-full'), tooMany],
    ['a full queue of workers', new RejectedError('no', 'cpuBound', 'queue-full'), tooMany],
    ['an open circuit', open(10_000), [['Retry-After', '10'], ...unavailable]],
    ['a half-open circuit', open(0), [['Retry-After', '1'], ...unavailable]],
    ['an isolated circuit', open(Number.POSITIVE_INFINITY), unavailable],
    ['what took too long', new TimeoutError('late', 10, 'attempt'), late],
    [
      'attempts that ended so',
      new RetryError('no', [new Error('first'), open(10_000)]),
      [['Retry-After', '10'], ...unavailable],
    ],
    [
      'alternatives of which one did',
      new AllFailedError('no', [new Error('first'), new TimeoutError('late', 10, 'total')]),
      late,
    ],
  ] as const) {
    test(`answers ${what}`, () => assert.deepEqual(told(error), calls));
  }

  test('only ends what was begun already', () => {
    assert.deepEqual(told(rejected(10), true), ['end']);
  });

  test('asks the adapter that it is told of', () => {
    const calls: unknown[] = [];
    const response = {};
    let sent = false;
    const httpAdapter = {
      isHeadersSent: () => sent,
      setHeader: (...given: unknown[]) => calls.push(given),
      reply: (...given: unknown[]) => calls.push(given),
      end: (...given: unknown[]) => calls.push(given),
    };
    const filter = new OperoExceptionFilter({ httpAdapter } as unknown as HttpAdapterHost);
    filter.catch(open(10), hostOf('http', response));
    sent = true;
    filter.catch(open(10), hostOf('http', response));
    const body = { statusCode: 503, message: 'Service Unavailable' };
    assert.deepEqual(calls, [[response, 'Retry-After', '1'], [response, body, 503], [response]]);
  });

  test('gives back an error that is none of opero, should it be given one', () => {
    const error = new Error('no answer');
    assert.equal(new OperoExceptionFilter().catch(error, hostOf('http')), error);
  });
});

describe('OperoExceptionFilter of a gateway', () => {
  afterEach(() => mock.restoreAll());

  test('tells the log where Nest has nothing for gateways, and throws nothing', async () => {
    const logged = new Promise((resolve) => {
      mock.method(Logger.prototype, 'error', resolve);
    });
    const error = rejected();
    assert.equal(new OperoExceptionFilter().catch(error, hostOf('ws')), error);
    assert.equal(await logged, error);
  });
});
