import { strict as assert } from 'node:assert';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { after, before, describe, test } from 'node:test';
import { application, build, install, remove, start } from './next.mjs';

/** What the application asks: it fails twice on each path, and knows no Atlantis. */
const asked = new Map();
const service = createServer(({ url = '' }, response) => {
  asked.set(url, (asked.get(url) ?? 0) + 1);
  response.statusCode = asked.get(url) < 3 || url === '/Atlantis' ? 503 : 200;
  response.end(`sun in ${decodeURIComponent(url.slice(1))}`);
});

describe('by Next, with the files of the page', () => {
  let server;
  before(async () => {
    service.listen(0, '127.0.0.1');
    await Promise.all([once(service, 'listening'), install()]);
    const cwd = application('page');
    const { code, output } = await build(cwd);
    assert.equal(code, 0, output);
    const address = `http://127.0.0.1:${service.address().port}`;
    server = await start(cwd, { WEATHER_URL: address, NEWS_URL: address });
  });
  after(async () => {
    await server?.stop();
    service.close();
    remove();
  });

  const text = async (path) => (await fetch(`${server.url}${path}`)).text();

  test('a route handler calls a decorated class', async () => {
    assert.equal(await text('/api/forecast?city=Davos'), 'sun in Davos');
    assert.equal(asked.get('/Davos'), 3);
    assert.equal(await text('/api/forecast?city=Atlantis'), 'Atlantis: nothing known');
    assert.equal(asked.get('/Atlantis'), 3);
  });

  test('a server action does', async () => {
    const [, name] = /name="(\$ACTION_ID_[^"]+)"/.exec(await text('/')) ?? assert.fail('no form');
    const body = new FormData();
    body.set(name, '');
    body.set('city', 'Chur');
    const { status, headers } = await fetch(`${server.url}/`, { method: 'POST', body, redirect: 'manual' });
    assert.deepEqual([status, headers.get('location')], [303, '/?answer=sun%20in%20Chur']);
    assert.equal(asked.get('/Chur'), 3);
  });

  test('a route handler calls a class with policies by decorate', async () => {
    const told = JSON.parse(await text('/api/news'));
    assert.deepEqual(told, { answer: 'sun in skiing', attempts: 3, policies: ['retry', 'timeout'] });
  });

  test('a worker runs what is not bundled', async () => {
    assert.equal(await text('/api/sums?to=10'), '55');
  });

  test('without experimentalDecorators the build fails, with an error that says what to do', async () => {
    const { code, output } = await build(application('without', {}));
    assert.equal(code, 1, output);
    assert.match(
      output,
      /ConfigurationError\]: @\w+ on `forecast`: a compiler called it in the form of 2018; .*use decorate\(\)/,
    );
  });
});
