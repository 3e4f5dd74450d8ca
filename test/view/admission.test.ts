import { strict as assert } from 'node:assert';
import { createHash } from 'node:crypto';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { after, before, describe, test } from 'node:test';
import { ConfigurationError } from 'opero';
import { startView, type View, type ViewConfig } from 'opero/view';
import { ask } from '../support/view.js';

const paths = ['/', '/snapshot', '/events', '/history?id=1', '/controls', '/nothing'];

describe('the options of startView', () => {
  const wrong: [unknown, RegExp][] = [
    [{ port: -1 }, /`port` to be an integer from 0 to 65535, got -1/],
    [{ port: '80' }, /`port`.*'80'/],
    [{ port: 65_536 }, /`port`/],
    [{ port: Number.NaN }, /`port`/],
    [{ host: '' }, /`host` to be the address or the name of a host/],
    [{ host: 'example.org:80' }, /`host`/],
    [{ host: 1 }, /`host`/],
    [{ token: '' }, /`token` to be a string of letters, digits/],
    [{ token: 'two words' }, /`token`/],
    [{ token: 'naïve' }, /`token`/],
    [{ controls: 1 }, /`controls` to be true or false/],
    [{ ports: 1 }, /unknown option `ports`/],
    ['6737', /expected the options to be an object/],
    [null, /expected the options to be an object/],
  ];
  for (const [config, message] of wrong) {
    test(`are turned down where they are ${JSON.stringify(config)}`, async () => {
      await assert.rejects(startView(config as ViewConfig), (error: Error) => {
        assert.ok(error instanceof ConfigurationError);
        assert.match(error.message, /^startView\(\): /);
        assert.match(error.message, message);
        return true;
      });
    });
  }

  for (const host of [
    '0.0.0.0',
    '::',
    '192.168.1.5',
    'example.org',
    '127.0.0.1.example.org',
    'localhost.example.org',
  ]) {
    test(`need a token where the host is ${host}`, async () => {
      await assert.rejects(startView({ host }), (error: Error) => {
        assert.ok(error instanceof ConfigurationError);
        assert.match(error.message, /expected `token` to be given where `host` is '.*', which others can reach/);
        return true;
      });
    });
  }

  test('are not told of a port that is taken: what Node says comes through', async () => {
    const view = await startView();
    await assert.rejects(startView({ port: view.port }), { code: 'EADDRINUSE' });
    await view.close();
  });
});

describe('a view by default', () => {
  let view: View;
  before(async () => {
    view = await startView();
  });
  after(() => view.close());

  test('listens at 127.0.0.1, at a port that it tells', () => {
    assert.equal(view.url, `http://127.0.0.1:${view.port}`);
    assert.ok(view.port > 0);
  });

  test('gives a page that loads nothing, and may do nothing but ask its server', async () => {
    const { status, headers, text } = await ask(view.port, '/');
    assert.equal(status, 200);
    assert.equal(headers['content-type'], 'text/html; charset=utf-8');
    const policy = String(headers['content-security-policy']);
    const hashOf = (part: string): string => createHash('sha256').update(part).digest('base64');
    const [, style = ''] = /<style>(.*?)<\/style>/s.exec(text) ?? [];
    const [, script = ''] = /<script type="module">(.*?)<\/script>/s.exec(text) ?? [];
    assert.ok(style.length > 1000 && script.length > 1000);
    assert.deepEqual(policy.split('; '), [
      "default-src 'none'",
      `script-src 'sha256-${hashOf(script)}'`,
      `style-src 'sha256-${hashOf(style)}'`,
      "connect-src 'self'",
      'img-src data:',
      "base-uri 'none'",
      "form-action 'none'",
      "frame-ancestors 'none'",
      "require-trusted-types-for 'script'",
      "trusted-types 'none'",
    ]);
    const addresses = [...text.matchAll(/\b(?:https?:)?\/\/[a-z][\w.-]+\.\w+/g)].map(([address]) => address);
    assert.deepEqual([...new Set(addresses)], ['http://www.w3.org']);
    for (const risky of ['innerHTML', 'outerHTML', 'insertAdjacentHTML', 'document.write', 'eval(']) {
      assert.ok(!text.includes(risky), risky);
    }
  });

  test('tells no other page of its address, lets none frame or read it, and leaves no copy', async () => {
    for (const path of paths) {
      const { headers } = await ask(view.port, path);
      assert.equal(headers['referrer-policy'], 'no-referrer', path);
      assert.equal(headers['cross-origin-resource-policy'], 'same-origin', path);
      assert.equal(headers['cross-origin-opener-policy'], 'same-origin', path);
      assert.equal(headers['x-content-type-options'], 'nosniff', path);
      assert.equal(headers['cache-control'], 'no-store', path);
      assert.match(String(headers['content-security-policy']), /frame-ancestors 'none'/, path);
      assert.equal(headers['access-control-allow-origin'], undefined, path);
    }
  });

  for (const host of ['localhost', '127.0.0.1', '127.0.0.2:80', '[::1]:1234', 'LOCALHOST:9999']) {
    test(`answers who asks for ${host}`, async () => {
      assert.equal((await ask(view.port, '/snapshot', { headers: { Host: host } })).status, 200);
    });
  }

  const foreign = [
    'evil.example',
    'localhost.evil.example',
    '127.0.0.1.evil.example',
    '10.0.0.1',
    '[::2]',
    'a@localhost',
  ];
  for (const host of foreign) {
    test(`turns away who asks for ${host}, as a page whose name leads here would`, async () => {
      for (const path of paths) {
        const { status } = await ask(view.port, path, { headers: { Host: host, Authorization: 'Bearer x' } });
        assert.equal(status, 403, path);
      }
    });
  }

  test('turns away who does not say whom it asks', async () => {
    for (const request of ['GET / HTTP/1.0\r\n\r\n', 'GET / HTTP/1.1\r\nHost:\r\n\r\n']) {
      const socket = connect(view.port, '127.0.0.1');
      socket.end(request);
      assert.match(await text(socket), /^HTTP\/1\.1 403 /);
    }
  });

  test('answers GET and HEAD where it shows something, and nothing elsewhere', async () => {
    assert.equal((await ask(view.port, '/', { method: 'HEAD' })).text, '');
    assert.equal((await ask(view.port, '/events', { method: 'HEAD' })).status, 200);
    const post = await ask(view.port, '/snapshot', { method: 'POST' });
    assert.deepEqual([post.status, post.headers.allow], [405, 'GET, HEAD']);
    const get = await ask(view.port, '/controls');
    assert.deepEqual([get.status, get.headers.allow], [405, 'POST']);
    for (const path of [
      '/nothing',
      '/constructor',
      '//localhost/snapshot',
      '/snapshot/',
      '/history?id=99',
      '/history',
    ]) {
      assert.equal((await ask(view.port, path)).status, 404, path);
    }
  });
});

describe('a view with a token', () => {
  const token = 's3cret/+=&?';
  let view: View;
  before(async () => {
    view = await startView({ token, host: '0.0.0.0' });
  });
  after(() => view.close());

  test('has an address without it', () => {
    assert.equal(view.url, `http://127.0.0.1:${view.port}`);
  });

  test('asks everybody for it, whatever the path', async () => {
    const wrongs: Record<string, string>[] = [
      {},
      { Authorization: 'Bearer wrong' },
      { Authorization: `Basic ${token}` },
      { Authorization: token },
      { Cookie: `token=${token}` },
    ];
    for (const path of paths) {
      for (const headers of wrongs) {
        const { status, headers: told, text } = await ask(view.port, path, { headers });
        assert.equal(status, 401, path);
        assert.equal(told['www-authenticate'], 'Bearer realm="opero view"');
        assert.ok(!text.includes(token));
      }
      for (const query of ['token=', 'token=s3cret', 'token=wrong', `tokens=${encodeURIComponent(token)}`]) {
        assert.equal((await ask(view.port, `${path.split('?')[0]}?${query}`)).status, 401, query);
      }
    }
  });

  test('takes it as ?token=, and as a Bearer token', async () => {
    assert.equal((await ask(view.port, `/?token=${encodeURIComponent(token)}`)).status, 200);
    // As it stands, where a query may have it: a `+` means no space, as no token has one.
    const asIs = token.replace('&', '%26');
    assert.equal((await ask(view.port, `/?token=${asIs}`)).status, 200);
    assert.equal((await ask(view.port, '/snapshot', { headers: { Authorization: `Bearer ${token}` } })).status, 200);
    assert.equal((await ask(view.port, '/snapshot', { headers: { Authorization: `bearer  ${token} ` } })).status, 200);
  });

  test('may be asked by any address where it listens at all of them, but by no name that is not its own', async () => {
    const headers = { Authorization: `Bearer ${token}` };
    for (const host of ['192.168.1.5:80', '0.0.0.0', '[fe80::1]:80', 'localhost']) {
      assert.equal((await ask(view.port, '/', { headers: { ...headers, Host: host } })).status, 200, host);
    }
    assert.equal((await ask(view.port, '/', { headers: { ...headers, Host: 'evil.example' } })).status, 403);
  });

  test('may be asked by the name that it was given', async () => {
    const named = await startView({ host: 'localhost', token });
    const headers = { Authorization: `Bearer ${token}`, Host: 'Localhost:1' };
    assert.equal(named.url, `http://localhost:${named.port}`);
    assert.equal(
      (await fetch(`${named.url}/snapshot`, { headers: { Authorization: headers.Authorization } })).status,
      200,
    );
    await named.close();
  });
});
