import { strict as assert } from 'node:assert';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { connect } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { CircuitOpenError, circuitBreaker, circuitOf, concurrency, RateLimiter, rateLimit } from 'opero';
import { memoryStore } from 'opero/testing';
import { startView, type View } from 'opero/view';
import type { Everything } from '../../src/view/protocol.js';
import { ask, type Question } from '../support/view.js';

class Desk {
  @circuitBreaker(3)
  async open(): Promise<string> {
    return 'open';
  }

  @circuitBreaker({ consecutive: 3, key: (name: string) => name })
  async keyed(name: string): Promise<string> {
    return name;
  }

  @circuitBreaker({ consecutive: 3, scope: 'instance' })
  async own(): Promise<string> {
    return 'own';
  }

  @rateLimit(1000)
  async limited(): Promise<string> {
    return 'limited';
  }

  @rateLimit([{ rate: 1000, key: (name: string) => name }, { rate: 1000 }])
  async byName(name: string): Promise<string> {
    return name;
  }

  @concurrency(2)
  async plain(): Promise<string> {
    return 'plain';
  }
}

const quota = new RateLimiter(1000);

class Shares {
  @rateLimit(quota)
  async one(): Promise<string> {
    return 'one';
  }

  @rateLimit(quota)
  async two(): Promise<string> {
    return 'two';
  }
}

const store = memoryStore();
const limit = { rate: 1000, per: 1000, name: 'crm' };

class Crm {
  @rateLimit({ ...limit, store, key: (name: string) => name })
  async sync(name: string): Promise<string> {
    return name;
  }

  @rateLimit({ ...limit, store, maxWait: 0 })
  async quick(): Promise<string> {
    return 'quick';
  }
}

/** The same limit, as another process has it. */
class Elsewhere {
  @rateLimit({ ...limit, store: memoryStore({ sharedWith: store }), key: (name: string) => name })
  async sync(name: string): Promise<string> {
    return name;
  }
}

const desk = new Desk();
const shares = new Shares();
const crm = new Crm();

const idsOf = async ({ port }: View): Promise<Record<string, number>> => {
  const { methods } = JSON.parse((await ask(port, '/snapshot')).text) as Everything;
  return Object.fromEntries(methods.map(({ className, method, id }) => [`${className}.${method}`, id]));
};
const handsOf = async ({ port }: View, name: string) => {
  const { methods } = JSON.parse((await ask(port, '/snapshot')).text) as Everything;
  return methods.find(({ className, method }) => `${className}.${method}` === name)?.hands;
};

/** Sends such a POST in one piece; whatever is answered, it is over once the connection is. */
function asked({ url, port }: View, body: unknown): Promise<void> {
  const json = JSON.stringify(body);
  const lines = ['POST /controls HTTP/1.1', `Host: ${url.slice(7)}`, `Origin: ${url}`, 'Connection: close'];
  const about = ['Content-Type: application/json', `Content-Length: ${json.length}`];
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => socket.write([...lines, ...about, '', json].join('\r\n')));
    socket.on('error', () => {});
    socket.on('close', () => resolve());
    socket.resume();
  });
}

/** A POST as the page of the view sends it. */
const asPage = (
  { url, port }: View,
  body: unknown,
  headers: Record<string, string> = {},
): [number, string, Question] => [
  port,
  '/controls',
  {
    method: 'POST',
    headers: { Origin: url, 'Content-Type': 'application/json', 'Sec-Fetch-Site': 'same-origin', ...headers },
    body: JSON.stringify(body),
  },
];

const isPending = async (call: Promise<unknown>): Promise<boolean> => {
  const soon = new Promise<string>((resolve) => setImmediate(resolve, 'pending'));
  return (await Promise.race([call, soon])) === 'pending';
};

describe('without controls', () => {
  test('nothing can be done, nor is anything offered', async () => {
    const view = await startView();
    const { 'Desk.open': id } = await idsOf(view);
    const { status, text } = await ask(...asPage(view, { id, action: 'isolate' }));
    assert.equal(status, 403);
    assert.match(text, /Controls are off/);
    assert.equal(circuitOf(Desk, 'open').state, 'closed');
    assert.deepEqual(await handsOf(view, 'Desk.open'), {});
    await view.close();
  });
});

describe('with controls', () => {
  let view: View;
  let ids: Record<string, number>;
  const act = async (name: string, action: string): Promise<number> =>
    (await ask(...asPage(view, { id: ids[name], action }))).status;

  before(async () => {
    view = await startView({ controls: true });
    ids = await idsOf(view);
  });
  after(() => view.close());

  const foreign: [string, Record<string, string | undefined>][] = [
    ['of another origin', { Origin: 'https://evil.example' }],
    ['of another port', { Origin: 'http://127.0.0.1:1' }],
    ['of no origin', { Origin: 'null' }],
    ['that does not say where it is from', { Origin: undefined }],
    ['whose browser says that it is of another site', { 'Sec-Fetch-Site': 'cross-site' }],
    ['whose browser says that it is of another page of the machine', { 'Sec-Fetch-Site': 'same-site' }],
    ['that nobody on a page asked for', { 'Sec-Fetch-Site': 'none' }],
  ];
  for (const [what, changed] of foreign) {
    test(`a request ${what} does nothing`, async () => {
      const [port, path, question] = asPage(view, { id: ids['Desk.open'], action: 'isolate' });
      const headers = Object.fromEntries(
        Object.entries({ ...question.headers, ...changed }).filter(([, value]) => value !== undefined),
      ) as Record<string, string>;
      assert.equal((await ask(port, path, { ...question, headers })).status, 403);
      assert.equal(circuitOf(Desk, 'open').state, 'closed');
    });
  }

  for (const type of [
    'text/plain',
    'application/x-www-form-urlencoded',
    'multipart/form-data',
    '',
    'application/jsonp',
  ]) {
    test(`a body of ${type || 'no type'} does nothing, as a form could send it`, async () => {
      const body = { id: ids['Desk.open'], action: 'isolate' };
      assert.equal((await ask(...asPage(view, body, { 'Content-Type': type }))).status, 415);
      assert.equal(circuitOf(Desk, 'open').state, 'closed');
    });
  }

  test('what is nothing that can be done is turned down', async () => {
    const id = ids['Desk.open'];
    const wrong = [
      null,
      [],
      1,
      {},
      { id },
      { id, action: 'toString' },
      { id, action: ['isolate'] },
      { id: '1', action: 'isolate' },
      { id: 1.5, action: 'isolate' },
    ];
    for (const body of wrong) assert.equal((await ask(...asPage(view, body))).status, 400, JSON.stringify(body));
    const [port, path, question] = asPage(view, '');
    assert.equal((await ask(port, path, { ...question, body: '{"id":1,' })).status, 400);
    assert.equal((await ask(port, path, { ...question, body: `"${'x'.repeat(5000)}"` })).status, 400);
    assert.equal(await act('Desk.unknown', 'isolate'), 400);
    assert.equal((await ask(...asPage(view, { id: 9999, action: 'isolate' }))).status, 404);
    assert.equal(await act('Desk.plain', 'isolate'), 404);
    assert.equal(await act('Desk.open', 'pause'), 404);
  });

  test('a circuit is isolated until that is ended, however often it was asked for', async () => {
    assert.deepEqual(await handsOf(view, 'Desk.open'), { isolated: false });
    assert.equal(await act('Desk.open', 'isolate'), 204);
    assert.equal(await act('Desk.open', 'isolate'), 204);
    await assert.rejects(
      desk.open(),
      (error: Error) => error instanceof CircuitOpenError && error.reason === 'isolated',
    );
    assert.deepEqual(await handsOf(view, 'Desk.open'), { isolated: true });
    assert.equal(await act('Desk.open', 'restore'), 204);
    assert.equal(await desk.open(), 'open');
    assert.equal(await act('Desk.open', 'restore'), 204);
    assert.deepEqual(await handsOf(view, 'Desk.open'), { isolated: false });
  });

  test('so are the circuits of every key and instance, those too that come meanwhile', async () => {
    const other = new Desk();
    await Promise.all([desk.keyed('before'), desk.own()]);
    for (const name of ['Desk.keyed', 'Desk.own']) assert.equal(await act(name, 'isolate'), 204);
    for (const call of [desk.keyed('before'), desk.keyed('new'), desk.own(), other.own(), new Desk().own()]) {
      await assert.rejects(call, { reason: 'isolated' });
    }
    for (const name of ['Desk.keyed', 'Desk.own']) assert.equal(await act(name, 'restore'), 204);
    await Promise.all([desk.keyed('before'), desk.keyed('new'), desk.own(), other.own(), new Desk().own()]);
  });

  test('a limit is paused until it is resumed, whatever the key', async () => {
    await desk.byName('before');
    for (const name of ['Desk.limited', 'Desk.byName']) assert.equal(await act(name, 'pause'), 204);
    const calls = [desk.limited(), desk.byName('before'), desk.byName('new')];
    for (const call of calls) assert.equal(await isPending(call), true);
    assert.deepEqual(await handsOf(view, 'Desk.limited'), { paused: true });
    for (const name of ['Desk.limited', 'Desk.byName']) assert.equal(await act(name, 'resume'), 204);
    assert.deepEqual(await Promise.all(calls), ['limited', 'before', 'new']);
    assert.deepEqual(await Promise.all([desk.limited(), desk.byName('later')]), ['limited', 'later']);
  });

  test('a limit that methods share is paused for all of them', async () => {
    assert.equal(await act('Shares.one', 'pause'), 204);
    const call = shares.two();
    assert.equal(await isPending(call), true);
    assert.equal(await act('Shares.one', 'resume'), 204);
    assert.equal(await call, 'two');
  });

  test('a limit in a store is paused in this program, and in no other', async () => {
    await crm.sync('before');
    assert.equal(await act('Crm.sync', 'pause'), 204);
    const calls = [crm.sync('before'), crm.sync('new')];
    assert.deepEqual(await Promise.all(['before', 'new'].map((name) => new Elsewhere().sync(name))), ['before', 'new']);
    await assert.rejects(crm.quick(), { reason: 'wait-timeout' });
    for (const call of calls) assert.equal(await isPending(call), true);
    assert.equal(await act('Crm.sync', 'resume'), 204);
    assert.deepEqual(await Promise.all(calls), ['before', 'new']);
    assert.equal(await crm.quick(), 'quick');
  });

  test('what was done is undone when the view ends', async () => {
    const short = await startView({ controls: true });
    const { 'Desk.open': id, 'Desk.limited': limited } = await idsOf(short);
    await ask(...asPage(short, { id, action: 'isolate' }));
    await ask(...asPage(short, { id: limited, action: 'pause' }));
    const waiting = desk.limited();
    await assert.rejects(desk.open(), { reason: 'isolated' });
    await short.close();
    assert.equal(await desk.open(), 'open');
    assert.equal(await waiting, 'limited');
  });

  test('nothing is done any more for a request that was there when the view ended', async () => {
    const short = await startView({ controls: true });
    const { 'Desk.open': id } = await idsOf(short);
    let closed: Promise<void> | undefined;
    const close = (): void => {
      closed ??= short.close();
    };
    subscribe('http.server.request.start', close);
    try {
      await asked(short, { id, action: 'isolate' });
    } finally {
      unsubscribe('http.server.request.start', close);
    }
    await closed;
    assert.equal(await desk.open(), 'open');
  });
});
