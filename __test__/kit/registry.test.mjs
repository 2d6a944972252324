import assert from 'node:assert/strict';
import { createHash, createPublicKey, verify } from 'node:crypto';
import { after, before, test } from 'node:test';
import { carrying } from './registry-auth.mjs';
import { startRegistry } from './registry.mjs';
import { startPages } from './server.mjs';
import { integrityOf } from './tarball.mjs';

const files = { 'package.json': '{"name":"@kit/a","version":"1.0.0","scripts":{"install":"x"}}', 'index.js': 'a\n' };
let registry;
before(async () => {
  registry = await startRegistry({
    packages: [
      { files, gitHead: 'c0ffee', time: '2021-02-03T04:05:06.000Z', npmVersion: '7.24.0', nodeVersion: '16.1.0', signed: true },
      { name: '@kit/a', version: '2.0.0-rc.1', files, tag: 'next', deprecated: 'no' },
    ],
  });
});
after(() => registry.close());

const get = (path, headers) => fetch(registry.url + path, { headers });

test('a packument has every field that npm writes', async () => {
  const packument = await (await get('@kit%2fa')).json();
  assert.deepEqual(packument['dist-tags'], { latest: '1.0.0', next: '2.0.0-rc.1' });
  assert.equal(packument.time['1.0.0'], '2021-02-03T04:05:06.000Z');
  const { gitHead, _npmVersion, _nodeVersion, dist } = packument.versions['1.0.0'];
  assert.deepEqual([gitHead, _npmVersion, _nodeVersion], ['c0ffee', '7.24.0', '16.1.0']);
  assert.equal(packument.versions['2.0.0-rc.1'].deprecated, 'no');
  const tarball = Buffer.from(await (await fetch(dist.tarball)).arrayBuffer());
  assert.equal(dist.integrity, integrityOf(tarball));
  assert.equal(dist.shasum, createHash('sha1').update(tarball).digest('hex'));
});

test('a signature verifies with the key that the registry serves', async () => {
  const { dist } = await (await get('@kit/a/latest')).json();
  const { keys } = await (await get('-/npm/v1/keys')).json();
  const [{ keyid, sig }] = dist.signatures;
  const { key } = keys.find((candidate) => candidate.keyid === keyid);
  const spki = createPublicKey({ key: Buffer.from(key, 'base64'), format: 'der', type: 'spki' });
  assert.ok(verify('sha256', Buffer.from(`@kit/a@1.0.0:${dist.integrity}`), spki, Buffer.from(sig, 'base64')));
});

test('an abbreviated packument has only what an install needs', async () => {
  const response = await get('@kit/a', { accept: 'application/vnd.npm.install-v1+json; q=1.0, application/json; q=0.8' });
  const { time, versions } = await response.json();
  assert.equal(time, undefined);
  assert.equal(versions['1.0.0'].gitHead, undefined);
  assert.equal(versions['1.0.0'].hasInstallScript, true);
});

test('a known ETag is answered with 304', async () => {
  const etag = (await get('@kit/a')).headers.get('etag');
  assert.equal((await get('@kit/a', { 'if-none-match': etag })).status, 304);
});

test('the tarball is addressed by the name that the client used', async () => {
  const { dist } = await (await fetch(`http://localhost:${registry.port}/@kit/a/1.0.0`)).json();
  assert.equal(new URL(dist.tarball).hostname, 'localhost');
});

test('what is unknown is a 404', async () => {
  for (const path of ['nothing', '@kit/a/9.9.9', '@kit/a/-/a-9.9.9.tgz']) assert.equal((await get(path)).status, 404, path);
});

test('fields can be left out or lie', async () => {
  const lies = { omit: ['gitHead', '_npmVersion', 'dist.integrity', 'time'], dist: { tarball: 'http://other.example/x.tgz' } };
  await registry.publish({ name: 'liar', version: '1.0.0', files, gitHead: 'x', manifest: { repository: 'github:else/where' }, ...lies });
  const packument = await (await get('liar')).json();
  const { gitHead, _npmVersion, repository, dist } = packument.versions['1.0.0'];
  assert.deepEqual([packument.time, gitHead, _npmVersion, dist.integrity], [undefined, undefined, undefined, undefined]);
  assert.deepEqual([repository, dist.tarball], ['github:else/where', 'http://other.example/x.tgz']);
});

test('an unpublished version and an unpublished package are gone', async () => {
  await registry.publish({ name: 'gone', version: '1.0.0', files });
  const published = await registry.publish({ name: 'gone', version: '1.1.0', files });
  registry.unpublish('gone', '1.1.0');
  assert.deepEqual(Object.keys((await (await get('gone')).json()).versions), ['1.0.0']);
  assert.equal((await fetch(published.url)).status, 404);
  registry.unpublish('gone');
  const left = await (await get('gone')).json();
  assert.deepEqual([left.versions, left.time.unpublished.versions], [undefined, ['1.0.0']]);
});

test('credentials are asked for, and forbidden is not the same as unknown', async (t) => {
  const locked = await startRegistry({
    packages: [{ name: 'p', version: '1.0.0', files }, { name: 'secret', version: '1.0.0', files }],
    auth: { tokens: ['good'], basic: ['me:pass'], forbidden: ['secret'] },
  });
  t.after(() => locked.close());
  const status = async (path, authorization) => (await fetch(locked.url + path, { headers: authorization ? { authorization } : {} })).status;
  assert.equal(await status('p'), 401);
  assert.equal(await status('p', 'Bearer bad'), 401);
  assert.equal(await status('p', 'Bearer good'), 200);
  assert.equal(await status('p', `Basic ${btoa('me:pass')}`), 200);
  assert.equal(await status('secret', 'Bearer good'), 403);
});

test('a secret that reached a host is found in its requests', async (t) => {
  const other = await startPages({ '/x': 'x' });
  t.after(() => other.close());
  await fetch(`${other.url}x`);
  assert.deepEqual(carrying('hush', registry, other), []);
  await fetch(`${other.url}x`, { headers: { authorization: `Basic ${btoa('hush')}` } });
  assert.deepEqual(carrying('hush', registry, other).map(({ path }) => path), ['/x']);
});
