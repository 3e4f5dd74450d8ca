import { strict as assert } from 'node:assert';
import { createHistogram } from 'node:perf_hooks';
import { after, describe, test } from 'node:test';
import { ItemError, processAll, shutdown, statsOf, WorkerError } from 'opero';
import { hollow, others, Post } from '../fixtures/workers/hollow.js';
import { rejection } from '../support/rejection.js';

after(() => shutdown());
const post = new Post();

async function refused(call: Promise<unknown>, message: RegExp): Promise<void> {
  const error = await rejection(call);
  assert.ok(error instanceof WorkerError, String(error));
  assert.match(error.message, message);
}

const send = [post.send, post.sendToProcess].map((each) => each.bind(post)) as (typeof post.send)[];

describe('what structured clone empties on some Node', () => {
  for (const [name, make] of Object.entries(hollow)) {
    test(`is refused on each, by threads and by processes: ${name}`, async () => {
      const reason = `cannot be cloned: it is an? ${name}; \\w`;
      for (const each of send) {
        await refused(each(make(), 1), new RegExp(`: args\\[0\\] ${reason}`));
        await refused(each(1, { list: [{ it: make() }] }), new RegExp(`: args\\[1\\]\\.list\\[0\\]\\.it ${reason}`));
      }
      await refused(post.fetch(name), new RegExp(`^Post\\.fetch: result\\.in\\[0\\] ${reason}`));
      await refused(post.fetchFromProcess(name), new RegExp(`^Post\\.fetchFromProcess: result\\.in\\[0\\] ${reason}`));
      post.field = { it: make() };
      await refused(post.withState(), new RegExp(`^Post\\.withState: this\\.field\\.it ${reason}`));
      await refused(post.withStateInProcess(), new RegExp(`^Post\\.withStateInProcess: this\\.field\\.it ${reason}`));
      post.field = undefined;
    });
  }

  test('is told what to send in its place', async () => {
    for (const [value, cure] of [
      [hollow.URL, 'send `url.href` in its place'],
      [hollow.Headers, 'send `Object.fromEntries(headers)` in its place'],
      [hollow.PerformanceMark, 'send `entry.toJSON()` in its place'],
      [hollow.TextEncoder, 'make it in the worker, or send plain data in its place'],
    ] as [() => object, string][]) {
      const error = (await rejection(post.send({ url: value() }))) as Error;
      assert.ok(error.message.startsWith('Post.send: args[0].url cannot be cloned: it is a '), error.message);
      assert.ok(error.message.endsWith(`; ${cure}`), error.message);
    }
  });

  test('is found in maps, sets, instances, causes of errors, and beside the elements of arrays', async () => {
    class Holder {
      constructor(readonly it: unknown) {}
    }
    const url = new URL('https://example.com');
    const reason = 'cannot be cloned: it is a URL; ';
    for (const [value, path] of [
      [new Map([['key', url]]), '\\.get\\(key\\)'],
      [new Map([[url, 1]]), ' \\(a key\\)'],
      [new Set([url]), ' \\(a member\\)'],
      [new Holder(url), '\\.it'],
      [{ a: new Holder([url]) }, '\\.a\\.it\\[0\\]'],
      [new RangeError('failed', { cause: { url } }), '\\.cause\\.url'],
      [Object.assign([1], { url }), '\\.url'],
      [Object.assign(Array(1000).fill(0), { url }), '\\.url'],
    ] as [unknown, string][]) {
      for (const each of send) await refused(each(value), new RegExp(`: args\\[0\\]${path} ${reason}`));
    }
  });

  test('is told by the class of a base, and by the tag of classes of the same kind', async () => {
    for (const each of send) {
      await refused(each(others.Place()), /args\[0\] cannot be cloned: it is a URL; send `url\.href`/);
      await refused(each(others.OtherHeaders()), /args\[0\] cannot be cloned: it is a Headers; send `Object/);
    }
  });

  test('is no less refused where it has a signal, which governs the call', async () => {
    const { signal } = new AbortController();
    for (const each of send) {
      const request = new Request('https://example.com', { signal });
      await refused(each(request), /args\[0\] cannot be cloned: it is a Request; send `request\.url`/);
      await refused(each(new AbortController()), /args\[0\] cannot be cloned: it is an AbortController; pass/);
      assert.deepEqual(await each({ signal, id: 1 }), { id: 1 });
    }
  });

  test('fails its item alone, and costs no worker', async () => {
    const { attempts } = statsOf(post, 'send');
    const results = await processAll(post, 'send', [1, new URL('https://example.com'), 3], { onError: 'collect' });
    assert.deepEqual([results[0], results[2]], [1, 3]);
    assert.ok(results[1] instanceof ItemError && results[1].cause instanceof WorkerError);
    assert.equal(statsOf(post, 'send').attempts, attempts + 2);
  });

  test('is dropped from the fields of an error that is thrown, and a DOMException is thrown as itself', async () => {
    const error = (await rejection(post.fail())) as Error & { status: number };
    assert.deepEqual([error.message, error.status, 'url' in error], ['failed', 503, false]);
    assert.ok(error.cause instanceof DOMException && !('url' in error.cause));
  });
});

describe('what structured clone takes on every Node', () => {
  for (const [name, value] of Object.entries({
    'the fields of a class that takes listeners': others.Bus(),
    'an error with fields that stay behind': Object.assign(new Error('failed'), { url: new URL('https://a.example') }),
    'a class of the program with the name of one of Node': new (class Request {
      readonly id = 1;
    })(),
    'an object without a prototype': Object.assign(Object.create(null), { id: 1 }),
  })) {
    test(`goes: ${name}`, async () => {
      for (const each of send) {
        const back = await each(value);
        if (value instanceof Error) assert.equal((back as Error).message, value.message);
        else assert.deepEqual(Object.entries(back as object), Object.entries(value));
      }
    });
  }

  test('goes to threads: a Blob, a CryptoKey, a histogram', async () => {
    const key = await crypto.subtle.generateKey({ name: 'AES-GCM', length: 128 }, true, ['encrypt']);
    const back = (await post.send({ blob: new Blob(['text']), key, times: createHistogram() })) as Record<
      string,
      object
    >;
    assert.equal(await (back.blob as Blob).text(), 'text');
    assert.equal((back.key as { type: string }).type, 'secret');
    assert.equal((back.times as { count: number }).count, 0);
    for (const each of Object.values(back))
      await refused(post.sendToProcess(each), /args\[0\] cannot be cloned: it is a/);
  });

  test('a value that throws as it is read is told as before', async () => {
    const odd = {
      get secret(): never {
        throw new Error('not for you');
      },
    };
    await refused(post.send([new URL('https://example.com')], odd), /args\[0\]\[0\] cannot be cloned: it is a URL/);
    await refused(post.send(odd), /args\[0\]\.secret cannot be cloned: it is a getter that throws$/);
  });
});

/** How to make what has no constructor without arguments. */
const makers: Readonly<Record<string, () => unknown>> = {
  ...hollow,
  AggregateError: () => new AggregateError([]),
  Blob: () => new Blob(['text']),
  CustomEvent: () => new CustomEvent('kind'),
  DataView: () => new DataView(new ArrayBuffer(1)),
  DecompressionStream: () => new DecompressionStream('gzip'),
  Performance: () => performance,
  PerformanceMeasure: () => performance.measure('measure'),
  PerformanceObserver: () => new PerformanceObserver(() => {}),
  SubtleCrypto: () => crypto.subtle,
  ReadableStreamDefaultReader: () => new ReadableStream().getReader(),
  WritableStreamDefaultWriter: () => new WritableStream().getWriter(),
  Proxy: () => new Proxy({ a: 1 }, {}),
};

/** A global class of this Node, or something of it; undefined where none can be made just so. */
function make(name: string): unknown {
  try {
    const type = Reflect.get(globalThis, name) as new (size?: number) => object;
    return (makers[name] ?? (() => new type(1)))();
  } catch {
    return undefined;
  }
}

/** What those listen to that connect to something. */
const connecting = /^(WebSocket|EventSource|Storage|MessagePort|MessageChannel)$/;

test('no global class of this Node arrives as something else', async () => {
  const names = Object.getOwnPropertyNames(globalThis).filter((name) => /^[A-Z]/.test(name) && !connecting.test(name));
  const made = names.map((name) => [name, make(name)] as const).filter(([, value]) => Object(value) === value);
  assert.ok(made.length > 60, String(made.length));
  const tagOf = (value: unknown): string => Object.prototype.toString.call(value);
  for (const [name, value] of made) {
    for (const each of send) {
      const back = await each(value, 1).catch((error: unknown) => assert.ok(error instanceof WorkerError, name));
      if (back === undefined) continue;
      assert.equal(tagOf(back), tagOf(value), name);
      if (tagOf(back) === '[object Object]') assert.ok(name === 'Object', name);
    }
  }
});
