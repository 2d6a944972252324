// The verdicts of one package, each with its exit code, code and hint, and with nothing left
// behind. `judge` of world.mjs checks schema, exit code, `reproduced`, hints, stderr, temporary
// files and cache of every answer.

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { CLI, run } from './kit/cli.mjs';
import { git } from './kit/history.mjs';
import { listen } from './kit/server.mjs';
import { startRegistry } from './kit/registry.mjs';
import { gzip, npmTarball, rawTar } from './kit/tarball.mjs';
import { assertConsistent, assertNothingLeft, manifest, openWorld } from './world.mjs';

let world;
before(async () => {
  world = await openWorld();
});
after(() => world.close());

/** A port of loopback where nobody listens. */
async function closedPort() {
  const server = createServer();
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** A gitconfig that leads github.com to an address. */
async function leadingTo(url) {
  const clean = await world.home();
  const file = join(clean.home, 'gitconfig');
  await writeFile(file, `[url "${url}"]\n\tinsteadOf = https://github.com/\n`);
  return { ...clean, env: { ...clean.env, GIT_CONFIG_GLOBAL: file } };
}

const paths = (list) => list.map((entry) => entry.path ?? entry);

// ── reproduced ──

test('the same bytes are identical, with the published integrity on both sides', async () => {
  const { spec, integrity, ids } = await world.release('v-identical', { files: { 'lib/a.js': 'a\n', 'README.md': '# a\n' } });
  const answer = await world.judge(spec);
  assert.equal(answer.verdict, 'identical');
  assert.deepEqual([answer.package.integrity, answer.source.integrity], [integrity, integrity]);
  assert.deepEqual([answer.origin.commit, answer.origin.directory], [ids.c, '']);
  assert.deepEqual(answer.comparison.identical.sort(), ['README.md', 'index.js', 'lib/a.js', 'package.json']);
  assert.deepEqual([answer.comparison.changed, answer.comparison.onlyPublished, answer.comparison.onlyRebuilt], [[], [], []]);
  assert.deepEqual([answer.diff, answer.code, answer.hints], [null, null, []]);
});

test('the time of publication stands in a result where the packument was read', async () => {
  await world.release('v-published', { publication: { time: '2024-02-03T04:05:06.789Z' } });
  assert.equal((await world.judge('v-published@^1.0.0')).publishedAt, '2024-02-03T04:05:06.789Z');
  // Of an exact version its own document is read, which has no times, and nothing is built.
  await world.release('v-unread', { publication: { time: '2024-02-03T04:05:06.789Z' } });
  assert.equal((await world.judge('v-unread@1.0.0')).publishedAt, undefined);
});

test('the report says the same as --json, on stdout, with exit code 0', async () => {
  const { spec } = await world.release('v-report');
  const { env, home } = await world.home();
  const ran = await run([spec], { env, cwd: home });
  assert.deepEqual([ran.code, ran.stderr], [0, '']);
  assert.match(ran.stdout, /^✓ identical {2}v-report@1\.0\.0\n/);
});

test('a package that clean-publish cleaned up is identical, README and comments included', async () => {
  const json = { scripts: { build: 'x' }, devDependencies: { 'clean-publish': '^5.0.0' }, homepage: 'https://v.example/', 'clean-publish': { cleanDocs: true, cleanComments: true } };
  const script = "/* head\n */\n\u00a0// one\nexport let a = 'http://x'\r\n\r\n  /* b */ export let b // two\n\n\n";
  const readme = '# v\n\nText.\n\n##\u00a0Use\n\nMore.\n';
  // What the tool does, in its own language.
  const cleaned = script.replace(/\s*\/\/.*\n/gm, '\n').replace(/\s*\/\*[^/]+\*\/\n?/gm, '\n').replace(/\n+/gm, '\n').replace(/^\n+/gm, '');
  const docs = `${readme.split(/\n##\s*\w/m)[0]}\n## Docs\nRead full docs **[here](https://v.example/)**.\n`;
  const own = JSON.parse(manifest('v-cleaned', '1.0.0', json));
  for (const field of ['scripts', 'devDependencies', 'clean-publish']) delete own[field];
  const { spec } = await world.release('v-cleaned', {
    json,
    files: { 'index.js': script, 'README.md': readme, 'CHANGELOG.md': 'c\n' },
    published: { 'package.json': `${JSON.stringify(own, null, '  ')}\n`, 'index.js': cleaned, 'README.md': docs, 'CHANGELOG.md': null },
  });
  const answer = await world.judge(spec);
  assert.equal(answer.verdict, 'identical', answer.diff);
  assert.match(answer.attempts.at(-1).recipe.rewrite, /^clean-publish/);
});

test('other gzip around the same tar is same-content', async () => {
  const files = { 'package.json': manifest('v-gzip'), 'index.js': "module.exports = 'v-gzip';\n" };
  // Stored, not compressed: no client writes that.
  const tarball = gzip(gunzipSync(await npmTarball(files)), { level: 0, os: 7, xfl: 0, mtime: 1 });
  const { spec, integrity } = await world.release('v-gzip', { publication: { tarball } });
  const answer = await world.judge(spec);
  assert.equal(answer.verdict, 'same-content');
  assert.equal(answer.package.integrity, integrity);
  assert.notEqual(answer.source.integrity, integrity);
  assert.match(answer.contentDigest, /^[0-9a-f]{64}$|^sha256-/);
});

test('other times in the tar are same-content', async () => {
  const entries = [['package/package.json', manifest('v-mtime')], ['package/index.js', "module.exports = 'v-mtime';\n"]];
  let nth = 0;
  const tarball = gzip(rawTar(entries.map(([path, data]) => ({ path, data, mtime: 1_600_000_000 + nth++, mode: 0o600 }))));
  const { spec } = await world.release('v-mtime', { publication: { tarball } });
  const answer = await world.judge(spec);
  assert.ok(['same-content', 'identical'].includes(answer.verdict), answer.verdict);
  assert.equal(answer.reproduced, true);
});

test('same-content counts as not reproduced under --accept identical, with exit code 1', async () => {
  const files = { 'package.json': manifest('v-accept'), 'index.js': "module.exports = 'v-accept';\n" };
  const { spec } = await world.release('v-accept', { publication: { tarball: gzip(gunzipSync(await npmTarball(files)), { level: 0 }) } });
  const clean = await world.home();
  const answer = await world.judge(spec, { accept: 'identical', clean });
  assert.deepEqual([answer.verdict, answer.reproduced, answer.ran.code], ['same-content', false, 1]);
  assert.equal((await world.judge(spec, { clean })).reproduced, true, 'a stored result of another --accept is not the answer');
});

test('contentDigest is that of the entries, whatever the archive around them', async () => {
  const files = { 'package.json': manifest('v-digest'), 'index.js': "module.exports = 'v-digest';\n" };
  const { spec } = await world.release('v-digest');
  const first = await world.judge(spec);
  await world.registry.publish({ name: 'v-digest', version: '1.0.0', manifest: JSON.parse(files['package.json']), tarball: gzip(gunzipSync(await npmTarball(files)), { level: 1 }) });
  const second = await world.judge(spec);
  assert.equal(first.contentDigest, second.contentDigest);
  assert.notEqual(first.package.integrity, second.package.integrity);
});

// ── differs ──

test('one other byte differs, and the file and the line are named', async () => {
  const { spec } = await world.release('v-byte', { published: { 'index.js': "module.exports = 'v-bytE';\n" } });
  const answer = await world.judge(spec);
  assert.deepEqual([answer.verdict, answer.code], ['differs', 'content-differs']);
  assert.deepEqual(answer.comparison.changed.map(({ path, kind }) => [path, kind]), [['index.js', 'bytes']]);
  assert.match(answer.diff, /^-module\.exports = 'v-bytE';$/m);
  assert.match(answer.diff, /^\+module\.exports = 'v-byte';$/m);
});

test('another mode on disk differs', async () => {
  const { spec } = await world.release('v-mode', { files: { 'run.sh': '#!/bin/sh\n' }, published: { 'run.sh': { data: '#!/bin/sh\n', mode: 0o755 } } });
  const answer = await world.judge(spec);
  assert.equal(answer.verdict, 'differs');
  const [change] = answer.comparison.changed;
  assert.deepEqual([change.path, change.kind, change.published.mode, change.rebuilt.mode], ['run.sh', 'mode', '755', '644']);
});

test('a file that the source does not have differs', async () => {
  const { spec } = await world.release('v-added', { published: { 'lib/evil.js': 'evil()\n' } });
  const answer = await world.judge(spec);
  assert.deepEqual([answer.verdict, answer.code], ['differs', 'files-not-in-source']);
  assert.deepEqual(answer.comparison.onlyPublished, ['lib/evil.js']);
});

test('a file that was left out of the package differs', async () => {
  const { spec } = await world.release('v-missing', { files: { 'lib/a.js': 'a\n' }, published: { 'lib/a.js': null } });
  const answer = await world.judge(spec);
  assert.deepEqual([answer.verdict, answer.code], ['differs', 'files-not-published']);
  assert.deepEqual(answer.comparison.onlyRebuilt, ['lib/a.js']);
});

test('an added install script differs', async () => {
  const { spec } = await world.release('v-script', { published: { 'package.json': manifest('v-script', '1.0.0', { scripts: { install: 'node x' } }) } });
  const answer = await world.judge(spec);
  assert.equal(answer.verdict, 'differs');
  assert.deepEqual(paths(answer.comparison.changed), ['package.json']);
});

test('an archive that readers see differently is never same-content', async () => {
  const base = [{ path: 'package/package.json', data: manifest('v-odd') }, { path: 'package/index.js', data: "module.exports = 'v-odd';\n" }];
  const { spec } = await world.release('v-odd', { publication: { tarball: gzip(rawTar(base, { trailing: randomBytes(512) })) } });
  const answer = await world.judge(spec);
  assert.equal(answer.verdict, 'differs');
  assert.notEqual(answer.code, 'files-differ');
  assert.ok(answer.findings.some(({ code }) => code === answer.code), 'the reason is among the findings');
});

test('of several hashes that the registry announces the result is about the one that fits', async () => {
  const { spec, integrity, files } = await world.release('v-hashes');
  const other = `sha512-${Buffer.alloc(64, 7).toString('base64')}`;
  await world.registry.publish({ files, dist: { integrity: `${other} ${integrity}` } });
  const answer = await world.judge(spec);
  assert.deepEqual([answer.verdict, answer.package.integrity], ['identical', integrity]);
  assert.ok(answer.findings.some(({ code }) => code === 'integrity-several'));
});

test('wrong integrity differs, with code integrity-mismatch', async () => {
  const { spec, tarball } = await world.release('v-integrity');
  const wrong = Buffer.from(tarball);
  wrong[9] ^= 1;
  world.registry.tarballs.set('v-integrity/-/v-integrity-1.0.0.tgz', wrong);
  const answer = await world.judge(spec);
  assert.deepEqual([answer.verdict, answer.code, answer.attempts], ['differs', 'integrity-mismatch', []]);
  assert.match(answer.findings.map(({ message }) => message).join(), /sha512-.*sha512-/);
});

test('wrong shasum differs where the registry has nothing better', async () => {
  const { spec } = await world.release('v-shasum', { publication: { omit: ['dist.integrity'], dist: { shasum: '0'.repeat(40) } } });
  const answer = await world.judge(spec);
  assert.deepEqual([answer.verdict, answer.code], ['differs', 'integrity-mismatch']);
});

test('a right shasum is enough where the registry has nothing better', async () => {
  const { spec } = await world.release('v-sha1', { publication: { omit: ['dist.integrity'] } });
  assert.equal((await world.judge(spec)).verdict, 'identical');
});

test('a truncated tarball that the registry announces is a malformed archive: differs', async () => {
  const tarball = (await npmTarball({ 'package.json': manifest('v-cut'), 'index.js': randomBytes(9000) })).subarray(0, 4000);
  const { spec } = await world.release('v-cut', { publication: { tarball } });
  const answer = await world.judge(spec);
  assert.equal(answer.verdict, 'differs');
  assert.notEqual(answer.code, 'integrity-mismatch');
});

test('a tarball that is no archive differs', async () => {
  const { spec } = await world.release('v-junk', { publication: { tarball: Buffer.from('<html>not a tarball</html>') } });
  const answer = await world.judge(spec);
  assert.deepEqual([answer.verdict, answer.code], ['differs', 'archive-unrecognised']);
});

test('an empty tarball differs', async () => {
  const { spec } = await world.release('v-empty', { publication: { tarball: Buffer.alloc(0) } });
  assert.equal((await world.judge(spec)).verdict, 'differs');
});

for (const [what, entries] of [
  ['without package.json', [{ path: 'package/index.js', data: 'x\n' }]],
  ['with a package.json that is no JSON', [{ path: 'package/package.json', data: '{' }]],
  ['with nothing in it', []],
  ['with two different files of one name', [{ path: 'package/package.json', data: manifest('v-dup') }, { path: 'package/x', data: 'a' }, { path: 'package/x', data: 'b' }]],
  ['with a path that leaves the folder', [{ path: 'package/package.json', data: manifest('v-dup') }, { path: 'package/../../x', data: 'a' }]],
]) {
  test(`a tarball ${what} is never reproduced`, async () => {
    const { spec } = await world.release(`v-tar-${what.replace(/\W+/g, '-')}`, { publication: { tarball: gzip(rawTar(entries)) } });
    const answer = await world.judge(spec);
    assert.equal(answer.reproduced, false);
    assert.notEqual(answer.verdict, 'error');
  });
}

test('a gzip bomb in the tarball differs, in bounded memory', async () => {
  const tarball = gzip(rawTar([{ path: 'package/package.json', data: manifest('v-bomb') }, { path: 'package/zeros', data: Buffer.alloc(700 << 20) }]), { level: 6 });
  const { spec } = await world.release('v-bomb', { publication: { tarball } });
  const answer = await world.judge(spec);
  assert.equal(answer.verdict, 'differs');
  assert.match(answer.code, /^archive-/);
});

// ── no-source ──

test('no repository declared is no-source', async () => {
  const { spec } = await world.release('v-none', { json: { repository: null } });
  const answer = await world.judge(spec);
  assert.deepEqual([answer.verdict, answer.code], ['no-source', 'no-repository']);
});

test('a dead host is no-source', async () => {
  const { spec } = await world.release('v-dead');
  const clean = await leadingTo(`http://127.0.0.1:${await closedPort()}/`);
  const answer = await world.judge(spec, { clean });
  assert.deepEqual([answer.verdict, answer.code], ['no-source', 'repository-unreachable']);
});

test('a host that the network does not know is no-source', async () => {
  const { spec } = await world.release('v-nohost', { json: { repository: 'https://no-such-host.invalid/a/b' } });
  const answer = await world.judge(spec);
  assert.deepEqual([answer.verdict, answer.code], ['no-source', 'repository-unreachable']);
});

for (const status of [401, 403, 404, 410]) {
  test(`a repository that is answered with ${status} is no-source`, async () => {
    const { spec } = await world.release(`v-${status}`);
    const lift = world.host.fault({ on: `v-${status}`, status });
    const answer = await world.judge(spec);
    lift();
    assert.deepEqual([answer.verdict, answer.code], ['no-source', 'repository-not-found']);
  });
}

test('a host that fails is no-source, not a missing repository', async () => {
  const { spec } = await world.release('v-500');
  world.host.fault({ on: 'v-500', status: 500 });
  const answer = await world.judge(spec);
  assert.deepEqual([answer.verdict, answer.code], ['no-source', 'repository-unreachable']);
});

test('a repository without the commit, the tag or the version is no-source', async () => {
  const other = { label: 'other', files: { 'package.json': manifest('v-nocommit', '0.1.0'), 'other.js': 'x\n' } };
  const { spec } = await world.release('v-nocommit', {
    history: { commits: [other], tags: {} },
    publication: { gitHead: 'a'.repeat(40) },
  });
  const answer = await world.judge(spec);
  assert.deepEqual([answer.verdict, answer.code], ['no-source', 'commit-not-found']);
  assert.ok(answer.evidence.some(({ kind, commit }) => kind === 'git-head' && commit === 'a'.repeat(40)));
});

test('an empty repository is no-source', async () => {
  const { spec } = await world.release('v-emptyrepo');
  const empty = join((await world.home()).home, 'empty.git');
  await git(['init', '-q', '--bare', empty]);
  await world.host.add('kit/v-emptyrepo', empty);
  const answer = await world.judge(spec);
  assert.deepEqual([answer.verdict, answer.code], ['no-source', 'repository-empty']);
});

test('a repository of something else is no-source', async () => {
  const { spec } = await world.release('v-else', {
    gitHead: false,
    history: { commits: [{ label: 'c', files: { 'main.c': 'int main;\n' } }], tags: { 'v1.0.0': 'c' } },
  });
  const answer = await world.judge(spec);
  assert.equal(answer.verdict, 'no-source');
  assert.equal(answer.code, 'package-not-in-repository');
});

test('a redirect cycle of the repository is no-source', async () => {
  const { spec } = await world.release('v-cycle');
  world.host.fault({ on: 'v-cycle', redirect: ({ url }) => url });
  const answer = await world.judge(spec);
  assert.deepEqual([answer.verdict, answer.code], ['no-source', 'repository-redirects']);
});

test('a chain of redirects without end is no-source', async () => {
  const { spec } = await world.release('v-chain');
  let nth = 0;
  world.host.fault({ on: 'v-chain', redirect: () => `/kit/v-chain-${nth++}/info/refs?service=git-upload-pack` });
  const answer = await world.judge(spec);
  assert.deepEqual([answer.verdict, answer.code], ['no-source', 'repository-redirects']);
  assert.ok(nth < 30, `${nth} redirects were followed`);
});

test('a pack that ends early is no-source', async () => {
  const { spec } = await world.release('v-cutpack', { files: { 'big.txt': randomBytes(40_000).toString('hex') } });
  world.host.fault({ on: 'v-cutpack/git-upload-pack', method: 'POST', after: 1, cut: 120 });
  assert.equal((await world.judge(spec)).verdict, 'no-source');
});

test('a pack with damaged bytes is never reproduced', async () => {
  const { spec } = await world.release('v-badpack', { files: { 'big.txt': randomBytes(40_000).toString('hex') } });
  world.host.fault({ on: 'v-badpack/git-upload-pack', method: 'POST', after: 1, wrongBytes: true });
  const answer = await world.judge(spec);
  assert.equal(answer.reproduced, false);
  assert.equal(answer.verdict, 'no-source');
});

// ── unsupported ──

test('a host that does not speak git is unsupported', async () => {
  const { spec } = await world.release('v-web');
  const web = await listen(() => ({ headers: { 'content-type': 'text/html' }, body: '<!doctype html>' }));
  const answer = await world.judge(spec, { clean: await leadingTo(web.url) });
  await web.close();
  assert.deepEqual([answer.verdict, answer.code], ['unsupported', 'repository-not-git']);
});

test('a source in another version control system is unsupported', async () => {
  const { spec } = await world.release('v-svn', { json: { repository: { type: 'svn', url: 'https://svn.example.org/repo/trunk' } } });
  const answer = await world.judge(spec);
  assert.deepEqual([answer.verdict, answer.code], ['unsupported', 'repository-not-git']);
});

// ── errors ──

test('an unknown package is an error', async () => {
  const answer = await world.judge('v-nobody@1.0.0');
  assert.deepEqual([answer.verdict, answer.code, answer.stage], ['error', 'package-not-found', 'resolve']);
});

test('an unknown version, range and tag are errors', async () => {
  await world.release('v-versions');
  for (const wanted of ['9.9.9', '^7', 'next']) {
    const answer = await world.judge(`v-versions@${wanted}`);
    assert.deepEqual([answer.verdict, answer.code], ['error', 'version-not-found'], wanted);
    assert.match(answer.message, /v-versions/);
  }
});

test('an unpublished version and an unpublished package are errors of their own', async () => {
  await world.release('v-gone');
  await world.registry.publish({ name: 'v-gone', version: '1.1.0', files: { 'package.json': manifest('v-gone', '1.1.0') } });
  world.registry.unpublish('v-gone', '1.1.0');
  assert.equal((await world.judge('v-gone@1.1.0')).code, 'version-unpublished');
  world.registry.unpublish('v-gone');
  assert.equal((await world.judge('v-gone')).code, 'package-unpublished');
});

test('a registry that asks for credentials, and one that forbids, are errors of their own', async () => {
  const registry = await startRegistry({
    packages: [{ files: { 'package.json': manifest('v-locked') } }, { files: { 'package.json': manifest('v-secret') } }],
    auth: { tokens: ['good'], forbidden: ['v-secret'] },
  });
  const locked = await world.judge('v-locked@1.0.0', { registry });
  const secret = await world.judge('v-secret@1.0.0', { registry });
  await registry.close();
  assert.deepEqual([locked.verdict, locked.code], ['error', 'unauthorized']);
  assert.deepEqual([secret.verdict, secret.code], ['error', 'forbidden']);
  assert.match(locked.hints.join(), /_authToken/);
});

test('a tarball that is gone from the registry is an error', async () => {
  const { spec, file } = await world.release('v-notarball');
  world.registry.tarballs.delete(file);
  const answer = await world.judge(spec);
  assert.deepEqual([answer.verdict, answer.code], ['error', 'tarball-not-found']);
});

test('a download that is cut is an error, not a verdict about the package', async () => {
  const { spec } = await world.release('v-cutload', { files: { 'big.txt': randomBytes(40_000).toString('hex') } });
  const lift = world.registry.fault({ on: 'v-cutload-1.0.0.tgz', cut: 500 });
  const answer = await world.judge(spec);
  lift();
  assert.deepEqual([answer.verdict, answer.code], ['error', 'connection-lost']);
});

test('a download that is cut once is tried again', async () => {
  const { spec } = await world.release('v-cutonce', { files: { 'big.txt': randomBytes(40_000).toString('hex') } });
  world.registry.fault({ on: 'v-cutonce-1.0.0.tgz', cut: 500, times: 1 });
  const answer = await world.judge(spec, { extra: { npm_config_fetch_retries: '2', npm_config_fetch_retry_mintimeout: '10' } });
  assert.equal(answer.verdict, 'identical');
});

test('429 with Retry-After and 503 are waited out', async () => {
  const { spec } = await world.release('v-429');
  world.registry.fault({ on: '/v-429/1.0.0', status: 429, retryAfter: 1, times: 1 });
  world.registry.fault({ on: 'v-429-1.0.0.tgz', status: 503, times: 1 });
  const answer = await world.judge(spec, { extra: { npm_config_fetch_retries: '2', npm_config_fetch_retry_mintimeout: '10' } });
  assert.equal(answer.verdict, 'identical');
});

test('metadata that is a gzip bomb is an error', async () => {
  world.registry.fault({ on: '/v-metabomb', bomb: 2 ** 30 });
  const answer = await world.judge('v-metabomb@1.0.0');
  assert.equal(answer.verdict, 'error');
  assert.ok(['response-too-large', 'invalid-metadata'].includes(answer.code), answer.code);
});

test('metadata that is a web page is an error', async () => {
  const web = await listen(() => ({ headers: { 'content-type': 'text/html' }, body: '<!doctype html><title>Log in</title>' }));
  const answer = await world.judge('v-page@1.0.0', { registry: web });
  await web.close();
  assert.deepEqual([answer.verdict, answer.code], ['error', 'invalid-metadata']);
});

test('no network is an error', async () => {
  const registry = `http://127.0.0.1:${await closedPort()}/`;
  const answer = await world.judge('v-offline@1.0.0', { registry });
  assert.deepEqual([answer.verdict, answer.code], ['error', 'connection-refused']);
  assert.match(answer.hints.join(), /network/);
  assert.doesNotMatch(answer.hints.join(), /npm run/, 'an installed package has no such script');
});

test('a registry whose name nobody knows is an error', async () => {
  const answer = await world.judge('v-dns@1.0.0', { registry: 'http://no-such-host.invalid/' });
  assert.deepEqual([answer.verdict, answer.code], ['error', 'dns-failed']);
});

test('a run that takes too long is an error with exit code 2', async () => {
  const { spec } = await world.release('v-slow');
  const lift = world.registry.fault({ on: 'v-slow', hang: true });
  const answer = await world.judge(spec, { args: ['--timeout', '0.3'] });
  lift();
  assert.deepEqual([answer.verdict, answer.code], ['error', 'timed-out']);
});

test('a usage error is an error', async () => {
  const answer = await world.judge('not a name');
  assert.deepEqual([answer.verdict, answer.code, answer.stage], ['error', 'invalid-package-name', 'usage']);
});

// ── no disk ──

/**
 * Runs as in a shell with `ulimit -f`: every file ends after so many blocks of 512 bytes, as on a
 * full disk.
 */
async function withFilesOf(blocks, args, clean) {
  const command = ['/bin/sh', '-c', `ulimit -f ${blocks}; exec "$@"`, 'sh', process.execPath, CLI];
  const ran = await run([...args, '--json'], { env: clean.env, cwd: clean.home, command });
  assert.ok(ran.json, `exit ${ran.code} ${ran.signal}\n${ran.stdout}${ran.stderr}`);
  assertConsistent(ran.json);
  await assertNothingLeft(clean);
  return { ...ran.json, ran };
}

test('a full disk while git objects are written is an error that names the place', async () => {
  // What the package has already is not fetched again; this file must be.
  const { spec } = await world.release('v-full', { files: { 'big.txt': randomBytes(100_000).toString('hex') }, published: { 'big.txt': null } });
  const clean = await world.home();
  const answer = await withFilesOf(20, [spec], clean);
  assert.deepEqual([answer.verdict, answer.code, answer.ran.code], ['error', 'cache-unusable', 2]);
  assert.ok(answer.message.includes(clean.cacheDir), answer.message);
});

test('a full disk while the result is stored leaves the answer and says so', async () => {
  const { spec } = await world.release('v-fullresult');
  const clean = await world.home();
  await world.judge(spec, { clean, args: ['--no-cache'] });
  // Objects are there by now; what is written is the result alone.
  const answer = await withFilesOf(1, [spec], clean);
  assert.equal(answer.verdict, 'identical');
  assert.ok(answer.findings.some(({ code }) => code === 'cache-disk-full'), JSON.stringify(answer.findings));
});

test('a full disk while a large tarball is read is an error', async () => {
  const { spec } = await world.release('v-fulltmp', { files: { 'big.bin': randomBytes(20 << 20) }, json: { repository: null } });
  const answer = await withFilesOf(64, [spec], await world.home());
  assert.deepEqual([answer.verdict, answer.code], ['error', 'disk-failed']);
});

test('without a home the run has a folder of its own, and says what to name', async () => {
  const { spec } = await world.release('v-homeless');
  const clean = await world.home();
  for (const name of ['HOME', 'XDG_CACHE_HOME', 'USERPROFILE']) delete clean.env[name];
  for (const args of [[], ['--no-cache']]) {
    const answer = await world.judge(spec, { clean, args });
    assert.equal(answer.verdict, 'identical');
    assert.match(answer.findings.find(({ code }) => code === 'cache-temporary').message, /HOME is not set.*--cache-dir/);
  }
  assert.equal((await world.judge(spec, { clean, args: ['--cache-dir', join(clean.home, 'named')] })).verdict, 'identical');
});

test('a cache folder that cannot be made is an error', async () => {
  const { spec } = await world.release('v-nodir');
  const clean = await world.home();
  await writeFile(join(clean.home, 'file'), '');
  const answer = await world.judge(spec, { clean, args: ['--cache-dir', join(clean.home, 'file', 'cache')] });
  assert.deepEqual([answer.verdict, answer.code, answer.stage], ['error', 'cache-unusable', 'cache']);
  assert.match(answer.hints.join(), /--cache-dir/);
});

test('a file of results that cannot be written leaves the answer and says so', async () => {
  const { spec } = await world.release('v-nofile');
  const clean = await world.home();
  await mkdir(join(clean.home, 'taken'));
  const answer = await world.judge(spec, { clean, args: ['--cache-file', join(clean.home, 'taken')] });
  assert.equal(answer.verdict, 'identical');
  assert.ok(answer.findings.some(({ code }) => code === 'cache-wrong-type'), JSON.stringify(answer.findings));
});
