import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import { request } from 'node:http';
import { startPages } from './server.mjs';

const page = Buffer.alloc(10_000, 'p');
let server;
before(async () => {
  server = await startPages({ '/page': page });
});
afterEach(() => {
  server.faults.length = 0;
});
after(() => server.close());

const get = (path = 'page', options) => fetch(server.url + path, options);

/** The body as far as it came, without a client's own ideas about its encoding. */
function raw(path) {
  return new Promise((resolve, reject) => {
    request(server.url + path, (response) => {
      const chunks = [];
      response.on('data', (chunk) => chunks.push(chunk));
      response.on('error', () => {});
      response.on('close', () => resolve({ response, complete: response.complete, body: Buffer.concat(chunks) }));
    }).on('error', reject).end();
  });
}

test('no fault, no difference', async () => {
  assert.deepEqual(Buffer.from(await (await get()).arrayBuffer()), page);
});

test('a fault hits the requests that it names, as often as it says', async () => {
  server.fault({ on: '/page', after: 1, times: 2, status: 500 });
  const seen = [];
  for (let i = 0; i < 5; i++) seen.push((await get()).status);
  assert.deepEqual(seen, [200, 500, 500, 200, 200]);
  assert.equal((await get('other')).status, 404);
});

test('429 with Retry-After', async () => {
  const lift = server.fault({ status: 429, retryAfter: 7 });
  const response = await get();
  assert.deepEqual([response.status, response.headers.get('retry-after')], [429, '7']);
  lift();
  assert.equal((await get()).status, 200);
});

test('a cut body ends early under an honest length', async () => {
  server.fault({ cut: 1234 });
  const { response, complete, body } = await raw('page');
  assert.deepEqual([response.headers['content-length'], complete, body.length], ['10000', false, 1234]);
});

test('wrong bytes have the right length', async () => {
  server.fault({ wrongBytes: true });
  const body = Buffer.from(await (await get()).arrayBuffer());
  assert.equal(body.length, page.length);
  assert.equal(body.filter((byte, at) => byte !== page[at]).length, 1);
});

test('a slow body takes its time', async () => {
  server.fault({ slow: 40_000 });
  const started = performance.now();
  assert.equal((await (await get()).arrayBuffer()).byteLength, page.length);
  assert.ok(performance.now() - started >= 150);
});

test('an answer can come late, and is then the honest one', async () => {
  server.fault({ delay: 100 });
  const started = performance.now();
  assert.deepEqual(Buffer.from(await (await get()).arrayBuffer()), page);
  assert.ok(performance.now() - started >= 99);
});

test('a redirect can go anywhere, also round in a circle', async () => {
  server.fault({ redirect: ({ base }) => `${base}page` });
  const response = await get('page', { redirect: 'manual' });
  assert.deepEqual([response.status, response.headers.get('location')], [302, `${server.url}page`]);
  await assert.rejects(get(), /fetch failed/);
});

test('a huge body declares no length', async () => {
  server.fault({ huge: 5_000_000 });
  const { response, body } = await raw('page');
  assert.deepEqual([response.headers['content-length'], body.length], [undefined, 5_000_000]);
});

test('a gzip bomb is small on the way and large when unpacked', async () => {
  server.fault({ bomb: 20_000_000 });
  assert.ok((await raw('page')).body.length < 50_000);
  assert.equal((await (await get()).arrayBuffer()).byteLength, 20_000_000);
});

test('a connection can be dropped, or never answered', async () => {
  server.fault({ on: 'reset', reset: true });
  server.fault({ on: 'hang', hang: true });
  await assert.rejects(get('reset'), /fetch failed/);
  await assert.rejects(get('hang', { signal: AbortSignal.timeout(100) }), { name: 'TimeoutError' });
});

test('closing does not wait for requests that hang', async () => {
  const other = await startPages();
  other.fault({ hang: true });
  const hanging = assert.rejects(fetch(other.url), /fetch failed/);
  while (other.requests.length === 0) await new Promise((resolve) => setImmediate(resolve));
  await other.close();
  await hanging;
});
