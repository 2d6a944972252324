import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { get } from 'node:https';
import { test } from 'node:test';
import { startPages } from './server.mjs';
import { certificate } from './tls.mjs';

const fetched = (url, ca) =>
  new Promise((resolve, reject) => get(url, { ca }, (response) => resolve(response.resume().statusCode)).on('error', reject));

test('a client that trusts the authority reaches the server by every name', async (t) => {
  const { key, cert, ca } = certificate();
  const server = await startPages({ '/': 'x' }, { tls: { key, cert } });
  t.after(() => server.close());
  for (const host of ['127.0.0.1', 'localhost']) assert.equal(await fetched(`https://${host}:${server.port}/`, ca), 200);
  await assert.rejects(fetched(server.url, certificate().ca), /signature|verify|issuer/);
});

test('a certificate for another host, and one that has expired, are refused', async (t) => {
  for (const [options, code] of [[{ hosts: ['other.example'] }, 'ERR_TLS_CERT_ALTNAME_INVALID'], [{ expired: true }, 'CERT_HAS_EXPIRED']]) {
    const { key, cert, ca } = certificate(options);
    const server = await startPages({ '/': 'x' }, { tls: { key, cert } });
    t.after(() => server.close());
    await assert.rejects(fetched(server.url, ca), { code });
  }
});

test('the authority may sign, the server may not', () => {
  const { cert, ca } = certificate();
  assert.deepEqual([new X509Certificate(ca).ca, new X509Certificate(cert).ca], [true, false]);
});
