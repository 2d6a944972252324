// What strangers say, and who may be asked: commits of others, two repositories for one package,
// addresses that lead inside, secrets, and programs that must not run.

import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { filesBelow, run } from './kit/cli.mjs';
import { carrying } from './kit/registry-auth.mjs';
import { startRegistry } from './kit/registry.mjs';
import { startGitHost } from './kit/githost.mjs';
import { startPages } from './kit/server.mjs';
import { git } from './kit/history.mjs';
import { manifest, openWorld } from './world.mjs';

let world;
before(async () => {
  world = await openWorld();
});
after(() => world.close());

const SOURCE = (name) => ({ 'package.json': manifest(name), 'index.js': 'honest\n' });
const EVIL = { 'index.js': 'evil\n' };

/**
 * A repository whose branch has `SOURCE` without a tag, and one more commit beside it; the package
 * is that other commit.
 */
async function beside(name, { refs = {}, tags = {}, publication } = {}) {
  const commits = [
    { label: 'base', files: { ...SOURCE(name), 'package.json': manifest(name, '0.9.0') } },
    { label: 'evil', files: { ...SOURCE(name), ...EVIL } },
  ];
  const ids = await world.host.add(`kit/${name}`, { commits, branches: { main: 'base' }, refs, tags });
  await world.registry.publish({ files: { ...SOURCE(name), ...EVIL }, gitHead: ids.evil, ...publication });
  return ids;
}

// ── commits that are not the repository's own ──

test('a commit of a pull request is never reproduced: commit-unreachable', async () => {
  const { evil } = await beside('t-pull', { refs: { 'refs/pull/1/head': 'evil' } });
  const answer = await world.judge('t-pull@1.0.0');
  assert.deepEqual([answer.verdict, answer.code, answer.origin], ['no-source', 'commit-unreachable', null]);
  const [found] = answer.evidence.filter(({ kind }) => kind === 'git-head');
  assert.equal(found.commit, evil);
  assert.match(found.note, /no branch or tag/);
});

test('a commit that no ref at all leads to, as of a fork, is never reproduced: commit-unreachable', async () => {
  await beside('t-fork', { refs: { 'refs/forks/1': 'evil' } });
  await git(['--git-dir', world.host.directory('kit/t-fork'), 'update-ref', '-d', 'refs/forks/1']);
  const answer = await world.judge('t-fork@1.0.0');
  assert.deepEqual([answer.verdict, answer.code], ['no-source', 'commit-unreachable']);
});

for (const ref of ['refs/notes/commits', 'refs/stash', 'refs/changes/01/1/1', 'refs/merge-requests/1/head', 'refs/remotes/origin/main']) {
  test(`a commit that only ${ref} leads to is never reproduced`, async () => {
    const name = `t-${ref.replace(/\W+/g, '-')}`;
    await beside(name, { refs: { [ref]: 'evil' } });
    const answer = await world.judge(`${name}@1.0.0`);
    assert.deepEqual([answer.verdict, answer.code], ['no-source', 'commit-unreachable']);
  });
}

for (const options of [{ protocol: 0 }, { protocol: 1, filter: false }, { filter: false }]) {
  test(`a commit of a pull request is never reproduced from a server with ${JSON.stringify(options)}`, async (t) => {
    const host = await startGitHost(options);
    t.after(() => host.close());
    const name = `t-old-${Object.values(options).join('-')}`;
    const ids = await host.add(`kit/${name}`, {
      commits: [{ label: 'base', files: { ...SOURCE(name), 'package.json': manifest(name, '0.9.0') } }, { label: 'evil', files: { ...SOURCE(name), ...EVIL } }],
      branches: { main: 'base' },
      refs: { 'refs/pull/1/head': 'evil' },
    });
    await world.registry.publish({ files: { ...SOURCE(name), ...EVIL }, gitHead: ids.evil });
    const answer = await world.judge(`${name}@1.0.0`, { gitconfig: host });
    assert.deepEqual([answer.verdict, answer.code], ['no-source', 'commit-unreachable']);
  });
}

test('a commit that only a detached HEAD leads to is never reproduced', async () => {
  const { evil } = await beside('t-detached', { refs: { 'refs/x/y': 'evil' } });
  await writeFile(join(world.host.directory('kit/t-detached'), 'HEAD'), `${evil}\n`);
  const answer = await world.judge('t-detached@1.0.0');
  assert.deepEqual([answer.verdict, answer.code], ['no-source', 'commit-unreachable']);
});

test('the same commit is reproduced as soon as a tag of the repository reaches it', async () => {
  await beside('t-tagged', { tags: { whatever: 'evil' } });
  assert.equal((await world.judge('t-tagged@1.0.0')).verdict, 'identical');
});

test('the same commit is reproduced when it is an ancestor of a branch', async () => {
  const name = 't-ancestor';
  const ids = await world.host.add(`kit/${name}`, {
    commits: [{ label: 'c', files: SOURCE(name) }, { label: 'd', files: { 'index.js': 'later\n' } }, { label: 'e', files: { 'index.js': 'last\n' } }],
  });
  await world.registry.publish({ files: SOURCE(name), gitHead: ids.c });
  const answer = await world.judge(`${name}@1.0.0`);
  assert.deepEqual([answer.verdict, answer.origin.commit], ['identical', ids.c]);
});

test('a pull request does not lend its commit to a tag of the same version', async () => {
  const name = 't-both';
  const ids = await world.host.add(`kit/${name}`, {
    commits: [{ label: 'base', files: SOURCE(name) }, { label: 'evil', files: EVIL }],
    branches: { main: 'base' },
    tags: { 'v1.0.0': 'base' },
    refs: { 'refs/pull/1/head': 'evil' },
  });
  await world.registry.publish({ files: { ...SOURCE(name), ...EVIL }, gitHead: ids.evil });
  const answer = await world.judge(`${name}@1.0.0`);
  assert.deepEqual([answer.verdict, answer.reproduced, answer.origin.commit], ['differs', false, ids.base]);
});

test('a gitHead inside the tarball counts no more than that of the registry', async () => {
  const name = 't-inner';
  const ids = await world.host.add(`kit/${name}`, {
    commits: [{ label: 'base', files: { 'package.json': manifest(name, '0.9.0') } }, { label: 'evil', files: { ...SOURCE(name), ...EVIL } }],
    branches: { main: 'base' },
    refs: { 'refs/pull/1/head': 'evil' },
  });
  const inside = manifest(name, '1.0.0', { gitHead: ids.evil });
  await world.registry.publish({ files: { ...SOURCE(name), ...EVIL, 'package.json': inside }, omit: ['gitHead'] });
  assert.deepEqual([(await world.judge(`${name}@1.0.0`)).code], ['commit-unreachable']);
});

test('an unreachable commit in the cache of another version is still unreachable', async () => {
  const name = 't-warm';
  const ids = await beside(name, { refs: { 'refs/pull/1/head': 'evil' } });
  const clean = await world.home();
  await world.judge(`${name}@1.0.0`, { clean });
  const again = await world.judge(`${name}@1.0.0`, { clean, args: ['--force'] });
  assert.deepEqual([again.verdict, again.code], ['no-source', 'commit-unreachable']);
  assert.ok(ids.evil);
});

for (const [what, value] of [
  ['a tree', (at) => git(['--git-dir', at, 'rev-parse', 'main^{tree}'])],
  ['a blob', (at) => git(['--git-dir', at, 'rev-parse', 'main:index.js'])],
  ['an annotated tag', (at) => git(['--git-dir', at, 'rev-parse', 'refs/tags/old'])],
  ['no object id', async () => '../../../etc/passwd'],
  ['an option', async () => '--upload-pack=touch /tmp/x'],
  ['sixty-four digits', async () => 'ab'.repeat(32)],
  ['the null id', async () => '0'.repeat(40)],
  ['forty capital letters', async () => 'A'.repeat(40)],
  ['empty', async () => ''],
  ['no text at all', async () => ({ toString: 'x' })],
  ['an abbreviated id', async (at) => (await git(['--git-dir', at, 'rev-parse', 'main'])).slice(0, 8)],
]) {
  test(`a gitHead that is ${what} does no harm: the tag is found all the same`, async () => {
    const name = `t-head-${what.replace(/\W+/g, '-')}`;
    await world.host.add(`kit/${name}`, {
      commits: [{ label: 'c', files: SOURCE(name) }],
      tags: { 'v1.0.0': 'c', old: { commit: 'c', annotated: true } },
    });
    await world.registry.publish({ files: SOURCE(name), gitHead: await value(world.host.directory(`kit/${name}`)) });
    assert.equal((await world.judge(`${name}@1.0.0`)).verdict, 'identical');
  });
}

// ── two repositories for one package ──

test('packument and tarball naming different repositories: repository-mismatch, and neither is asked for a verdict', async () => {
  const name = 't-mismatch';
  await world.host.add('evil/t-mismatch', { commits: [{ label: 'c', files: SOURCE(name) }], tags: { 'v1.0.0': 'c' } });
  await world.release(name, { publication: { manifest: { repository: { type: 'git', url: 'git+https://github.com/evil/t-mismatch.git' } } } });
  const answer = await world.judge(`${name}@1.0.0`);
  assert.deepEqual([answer.verdict, answer.code], ['no-source', 'repository-mismatch']);
  const [finding] = answer.findings.filter(({ code }) => code === 'repository-mismatch');
  assert.equal(finding.severity, 'error');
  assert.match(finding.message, /evil\/t-mismatch.*kit\/t-mismatch/);
});

for (const [what, ofRegistry, ofTarball] of [
  ['only the registry', 'github:kit/t-only', null],
  ['only the tarball', null, 'github:kit/t-only'],
]) {
  test(`a repository that ${what} names is a mismatch`, async () => {
    const name = `t-${what.replace(/\W+/g, '-')}`;
    const files = { 'package.json': manifest(name, '1.0.0', { repository: ofTarball }), 'index.js': 'x\n' };
    await world.host.add('kit/t-only', { commits: [{ label: 'c', files }], tags: { 'v1.0.0': 'c' } });
    await world.registry.publish({ files, manifest: { repository: ofRegistry ?? undefined } });
    const answer = await world.judge(`${name}@1.0.0`);
    assert.deepEqual([answer.verdict, answer.code], ['no-source', 'repository-mismatch']);
  });
}

for (const [what, ofRegistry, ofTarball] of [
  ['shorthand and address', 'github:kit/t-same', 'git+https://github.com/kit/t-same.git'],
  ['ssh and https', 'git@github.com:kit/t-same.git', 'https://github.com/kit/t-same'],
  ['upper and lower case', 'https://github.com/KIT/T-Same', 'kit/t-same'],
  ['http and git', 'git://github.com/kit/t-same.git', 'http://www.github.com/kit/t-same/'],
]) {
  test(`two spellings of one repository are no mismatch: ${what}`, async () => {
    const name = `t-same-${what.replace(/\W+/g, '-')}`;
    const files = { 'package.json': manifest(name, '1.0.0', { repository: ofTarball }), 'index.js': 'x\n' };
    await world.host.add('kit/t-same', { commits: [{ label: 'c', files }], tags: { 'v1.0.0': 'c' } });
    await world.registry.publish({ files, manifest: { repository: ofRegistry } });
    assert.equal((await world.judge(`${name}@1.0.0`)).verdict, 'identical');
  });
}

test('another package.json name or version in the tarball is not the package that was asked for', async () => {
  const name = 't-impostor';
  const files = { 'package.json': manifest('t-honest', '1.0.0', { repository: 'github:kit/t-impostor' }), 'index.js': 'x\n' };
  await world.host.add(`kit/${name}`, { commits: [{ label: 'c', files }], tags: { 'v1.0.0': 'c' } });
  await world.registry.publish({ name, version: '1.0.0', files, manifest: { repository: 'github:kit/t-impostor' } });
  const answer = await world.judge(`${name}@1.0.0`);
  assert.ok(answer.findings.some(({ severity }) => severity !== 'info'), 'the other name is a finding');
});

for (const [field, value] of [['scripts', { install: 'node evil.js' }], ['dependencies', { evil: '1.0.0' }], ['bin', { npm: 'index.js' }]]) {
  test(`a manifest in the registry with other ${field} than the tarball’s package.json is a finding`, async () => {
    const { spec } = await world.release(`t-confused-${field}`, { publication: { manifest: { [field]: value } } });
    const answer = await world.judge(spec);
    assert.ok(answer.findings.some(({ severity, message }) => severity !== 'info' && message.includes(field)), JSON.stringify(answer.findings));
  });
}

test('--source is the user’s own word, and the result says so', async () => {
  const name = 't-source';
  const files = { 'package.json': manifest(name, '1.0.0', { repository: null }), 'index.js': 'x\n' };
  const { c } = await world.host.add('kit/t-source', { commits: [{ label: 'c', files }, { label: 'd', files: { 'index.js': 'y\n' } }] });
  await world.registry.publish({ files });
  const answer = await world.judge(`${name}@1.0.0`, { args: ['--source', `https://github.com/kit/t-source#${c}`] });
  assert.equal(answer.verdict, 'identical');
  assert.ok(answer.findings.some(({ code }) => code === 'source-by-user'));
  assert.ok(answer.evidence.some(({ kind, commit }) => kind === 'user' && commit === c));
});

// ── addresses that lead inside ──

/** A server that must not be asked, under an address that needs no rewriting. */
async function trap(t) {
  const server = await startPages();
  t.after(() => server.close());
  return server;
}

const REFUSED = [
  ['ext::', () => 'ext::sh -c touch% /tmp/pwned'],
  ['file:', () => 'file:///etc'],
  ['a path', () => '/etc/passwd'],
  ['git+file:', () => 'git+file:///etc'],
  ['loopback by number', (port) => `http://127.0.0.1:${port}/a/b`],
  ['loopback by name', (port) => `http://localhost:${port}/a/b`],
  ['loopback by a name below localhost', (port) => `http://x.localhost:${port}/a/b`],
  ['loopback in hexadecimal', (port) => `http://0x7f000001:${port}/a/b`],
  ['loopback as one number', (port) => `http://2130706433:${port}/a/b`],
  ['loopback in octal', (port) => `http://0177.0.0.1:${port}/a/b`],
  ['loopback in IPv6', (port) => `http://[::1]:${port}/a/b`],
  ['loopback in IPv6 mapped', (port) => `http://[::ffff:127.0.0.1]:${port}/a/b`],
  ['the unspecified address', (port) => `http://0.0.0.0:${port}/a/b`],
  ['loopback by git:', (port) => `git://127.0.0.1:${port}/a/b`],
  ['loopback by git+https', (port) => `git+https://127.0.0.1:${port}/a/b.git`],
  ['loopback with credentials', (port) => `http://user:pass@127.0.0.1:${port}/a/b`],
  ['private 10/8', () => 'https://10.0.0.1/a/b'],
  ['private 192.168/16', () => 'https://192.168.1.1/a/b.git'],
  ['private 172.16/12', () => 'https://172.16.0.1/a/b.git'],
  ['link-local', () => 'http://169.254.169.254/latest/meta-data'],
  ['link-local in IPv6', () => 'https://[fe80::1]/a/b'],
  ['unique local in IPv6', () => 'https://[fd00::1]/a/b'],
  ['ssh to a private host', () => 'git+ssh://git@10.0.0.1/a/b.git'],
  ['a bare host name', () => 'https://intranet/a/b'],
  ['an internal name', () => 'https://git.internal/a/b'],
];

for (const [nth, [what, address]] of REFUSED.entries()) {
  test(`a repository at ${what} is refused and never asked`, async (t) => {
    const server = await trap(t);
    const name = `t-refused-${nth}`;
    const { spec } = await world.release(name, { json: { repository: address(server.port) } });
    const before_ = world.host.requests.length;
    const answer = await world.judge(spec);
    assert.equal(answer.reproduced, false);
    assert.equal(answer.verdict, 'no-source');
    assert.match(answer.code, /^repository-/);
    assert.deepEqual([server.requests, world.host.requests.slice(before_)], [[], []]);
  });
}

test('a redirect of the repository to another loopback address is refused', async (t) => {
  const server = await trap(t);
  const { spec } = await world.release('t-redirect');
  world.host.fault({ on: 't-redirect', redirect: ({ url }) => `${server.url}${url.slice(1)}` });
  const answer = await world.judge(spec);
  assert.deepEqual([answer.verdict, answer.code], ['no-source', 'repository-address-refused']);
  assert.deepEqual(server.requests, []);
});

test('a tarball address of the registry that leads to another loopback port is refused', async (t) => {
  const server = await trap(t);
  const { spec } = await world.release('t-tarball-inside', { publication: { dist: { tarball: `${server.url}x.tgz` } } });
  const answer = await world.judge(spec);
  // Plain http is refused before it matters where the address leads.
  assert.deepEqual([answer.verdict, answer.code, server.requests], ['error', 'insecure-address-refused', []]);
});

test('a tarball address with another scheme is refused', async () => {
  for (const [nth, tarball] of ['file:///etc/passwd', 'ftp://127.0.0.1/x.tgz', 'javascript:1', ''].entries()) {
    const { spec } = await world.release(`t-tarball-${nth}`, { publication: { dist: { tarball } } });
    const answer = await world.judge(spec);
    assert.equal(answer.verdict, 'error', tarball);
  }
});

test('a submodule address inside the repository that leads to a loopback host is refused and never asked', async (t) => {
  const server = await trap(t);
  const name = 't-submodule';
  const files = { ...SOURCE(name), '.gitmodules': `[submodule "s"]\n\tpath = s\n\turl = ${server.url}a/b\n` };
  await world.host.add(`kit/${name}`, {
    commits: [{ label: 'c', files: { ...files, s: { submodule: 'a'.repeat(40) } } }],
    tags: { 'v1.0.0': 'c' },
  });
  await world.registry.publish({ files: { ...SOURCE(name), 's/x.js': 'x\n' } });
  const answer = await world.judge(`${name}@1.0.0`);
  assert.equal(answer.reproduced, false);
  assert.deepEqual(server.requests, []);
});

// ── secrets ──

const TOKEN = 'npm_kitSecretTokenThatMustNotLeave';

/** A registry that wants the token, with the user's .npmrc that has it. */
async function locked(t, packages = []) {
  const registry = await startRegistry({ auth: { tokens: [TOKEN] } });
  t.after(() => registry.close());
  for (const publication of packages) await registry.publish(publication);
  const clean = await world.home({ registry });
  await writeFile(join(clean.home, '.npmrc'), `registry=${registry.url}\n//127.0.0.1:${registry.port}/:_authToken=${TOKEN}\n`);
  return { registry, clean };
}

test('the token is sent to its own registry, and to no git host', async (t) => {
  const name = 't-token';
  await world.host.add(`kit/${name}`, { commits: [{ label: 'c', files: SOURCE(name) }], tags: { 'v1.0.0': 'c' } });
  const { registry, clean } = await locked(t, [{ files: SOURCE(name) }]);
  assert.equal((await world.judge(`${name}@1.0.0`, { clean })).verdict, 'identical');
  assert.ok(carrying(TOKEN, registry).length > 0);
  assert.deepEqual(carrying(TOKEN, world.host), []);
});

test('the token is not sent to a tarball on another host', async (t) => {
  const name = 't-elsewhere';
  const pages = await startPages();
  t.after(() => pages.close());
  const { registry, clean } = await locked(t);
  const { tarball } = await registry.publish({ files: SOURCE(name), dist: { tarball: `http://localhost:${pages.port}/${name}.tgz` } });
  pages.pages[`/${name}.tgz`] = tarball;
  await world.host.add(`kit/${name}`, { commits: [{ label: 'c', files: SOURCE(name) }], tags: { 'v1.0.0': 'c' } });
  clean.env.REPRODUCE_ALLOW_HOSTS = `localhost:${pages.port}`;
  const answer = await world.judge(`${name}@1.0.0`, { clean });
  assert.equal(pages.requests.length > 0, true, answer.message);
  assert.deepEqual(carrying(TOKEN, pages), []);
});

test('the token is not sent to another port of the registry’s own host', async (t) => {
  const name = 't-port';
  const pages = await startPages();
  t.after(() => pages.close());
  const { registry, clean } = await locked(t);
  const { tarball } = await registry.publish({ files: SOURCE(name), dist: { tarball: `${pages.url}${name}.tgz` } });
  pages.pages[`/${name}.tgz`] = tarball;
  clean.env.REPRODUCE_ALLOW_HOSTS = `127.0.0.1:${pages.port}`;
  await world.judge(`${name}@1.0.0`, { clean });
  assert.ok(pages.requests.length > 0);
  assert.deepEqual(carrying(TOKEN, pages), []);
});

for (const [what, on] of [['metadata', /^\/t-hop-metadata/], ['tarball', /\.tgz$/]]) {
  test(`the token does not follow a redirect of the ${what} to another host`, async (t) => {
    const name = `t-hop-${what}`;
    const pages = await startPages();
    t.after(() => pages.close());
    const { registry, clean } = await locked(t);
    await registry.publish({ files: SOURCE(name) });
    registry.fault({ on, redirect: ({ url }) => `http://localhost:${pages.port}${url}` });
    clean.env.REPRODUCE_ALLOW_HOSTS = `localhost:${pages.port}`;
    const answer = await world.judge(`${name}@1.0.0`, { clean });
    assert.equal(answer.verdict, 'error');
    assert.ok(pages.requests.length > 0, 'the redirect was followed');
    assert.deepEqual(carrying(TOKEN, pages), []);
  });
}

test('a token below one path of a host is not sent to another path of it', async (t) => {
  const name = 't-path';
  const registry = await startRegistry({ packages: [{ files: SOURCE(name) }] });
  t.after(() => registry.close());
  const clean = await world.home({ registry });
  await writeFile(join(clean.home, '.npmrc'), `//127.0.0.1:${registry.port}/private/:_authToken=${TOKEN}\n`);
  await world.judge(`${name}@1.0.0`, { clean });
  assert.ok(registry.requests.length > 0);
  assert.deepEqual(carrying(TOKEN, registry), []);
});

test('the token is in no answer, no report and no stored result', async (t) => {
  const name = 't-leak';
  await world.host.add(`kit/${name}`, { commits: [{ label: 'c', files: SOURCE(name) }], tags: { 'v1.0.0': 'c' } });
  const { registry, clean } = await locked(t, [{ files: SOURCE(name) }]);
  const reports = ['junit', 'sarif', 'attest'].map((kind) => [`--${kind}`, join(clean.home, `report.${kind}`)]);
  const { verdict, message, ran } = await world.judge(`${name}@1.0.0`, { clean, args: ['--log', ...reports.flat()] });
  assert.equal(verdict, 'identical', message);
  const { ran: failed } = await world.judge('t-nobody@1.0.0', { clean });
  const { stdout, stderr } = await run([`${name}@1.0.0`, '--force', '--verbose'], clean);
  assert.ok(carrying(TOKEN, registry).length > 0, 'the token was in use');
  assert.ok(![ran.stdout, ran.stderr, failed.stdout, failed.stderr, stdout, stderr].join('').includes(TOKEN));
  const written = [...(await filesBelow(clean.cacheDir)), ...reports.map(([, file]) => file)];
  assert.ok(written.some((file) => file.endsWith('results.json')), written.join());
  for (const file of written) assert.ok(!(await readFile(file)).includes(TOKEN), file);
});

test('credentials in the registry’s address are used, and not shown', async (t) => {
  const name = 't-inaddress';
  await world.host.add(`kit/${name}`, { commits: [{ label: 'c', files: SOURCE(name) }], tags: { 'v1.0.0': 'c' } });
  const registry = await startRegistry({ packages: [{ files: SOURCE(name) }], auth: { basic: ['me:hunter2secret'] } });
  t.after(() => registry.close());
  const address = registry.url.replace('//', '//me:hunter2secret@');
  for (const spec of [`${name}@1.0.0`, 't-nobody@1.0.0', `${name}@9.9.9`]) {
    const { ran, clean } = await world.judge(spec, { args: ['--registry', address] });
    assert.ok(!(ran.stdout + ran.stderr).includes('hunter2secret'), ran.stdout);
    for (const file of await filesBelow(clean.cacheDir)) assert.ok(!(await readFile(file)).includes('hunter2secret'), file);
  }
});

test('a secret in the query of a tarball’s address is in no report and no message', async () => {
  const { url } = await world.release('t-query');
  const clean = await world.home();
  for (const address of [`${url}?token=hunter2secret`, `${world.registry.url}gone.tgz?token=hunter2secret`]) {
    const { message, hints, findings } = await world.judge(address, { clean });
    const { stdout, stderr } = await run([address, '--verbose'], clean);
    assert.ok(!JSON.stringify([message, hints, findings, stdout, stderr]).includes('hunter2secret'), `${message}\n${stdout}${stderr}`);
  }
});

test('credentials in a repository address are not shown and not sent', async () => {
  const { spec } = await world.release('t-userinfo', { json: { repository: 'https://user:hunter2secret@github.com/kit/t-userinfo.git' } });
  const answer = await world.judge(spec);
  assert.ok(!answer.ran.stdout.includes('hunter2secret'));
  assert.deepEqual(carrying('hunter2secret', world.host), []);
});

// ── nothing is run ──

test('no git and no npm are needed, and neither is started if there is one', async () => {
  const { spec } = await world.release('t-nopath');
  const clean = await world.home();
  const marker = join(clean.home, 'started');
  for (const program of ['git', 'npm', 'sh', 'ssh', 'tar', 'git-remote-ext', 'git-remote-https']) {
    const file = join(clean.home, 'bin', program);
    await writeFile(file, `#!/bin/sh\necho ${program} >> ${marker}\nexit 1\n`);
    await chmod(file, 0o755);
  }
  assert.equal((await world.judge(spec, { clean })).verdict, 'identical');
  assert.equal(existsSync(marker), false);
});

test('an empty PATH is enough', async () => {
  const { spec } = await world.release('t-emptypath');
  const clean = await world.home();
  clean.env.PATH = '';
  assert.equal((await world.judge(spec, { clean })).verdict, 'identical');
});

test('lifecycle scripts of the package are not run', async () => {
  const clean = await world.home();
  const marker = join(clean.home, 'ran');
  const touch = `node -e "require('fs').writeFileSync('${marker}', '')"`;
  const names = ['preinstall', 'install', 'postinstall', 'prepare', 'prepack', 'postpack', 'prepublish', 'prepublishOnly', 'publish', 'build', 'test'];
  const { spec } = await world.release('t-scripts', {
    json: { scripts: Object.fromEntries(names.map((script) => [script, touch])) },
    files: { 'binding.gyp': '{}\n', '.npmrc': `node-options=--require ${marker}\n`, 'node_modules/x/index.js': 'x\n' },
    published: { '.npmrc': null, 'node_modules/x/index.js': null },
  });
  const answer = await world.judge(spec, { clean });
  assert.equal(answer.verdict, 'identical');
  assert.equal(answer.sandbox, null);
  assert.equal(existsSync(marker), false);
});

test('hooks, filters, helpers and commands of the user’s git configuration are not run', async () => {
  const name = 't-gitconfig';
  const clean = await world.home();
  const marker = join(clean.home, 'ran');
  const hooks = join(clean.home, 'hooks');
  await mkdir(hooks);
  for (const hook of ['post-checkout', 'reference-transaction', 'post-merge', 'fsmonitor-watchman', 'pre-auto-gc']) {
    await writeFile(join(hooks, hook), `#!/bin/sh\ntouch ${marker}\n`, { mode: 0o755 });
  }
  const evil = `!touch ${marker}`;
  const config = join(clean.home, 'evil.gitconfig');
  await writeFile(
    config,
    [
      `[include]\n\tpath = ${world.host.gitconfig}`,
      `[core]\n\thooksPath = ${hooks}\n\tsshCommand = touch ${marker}\n\tgitProxy = touch ${marker}\n\tfsmonitor = touch ${marker}\n\taskPass = ${join(hooks, 'post-checkout')}`,
      `[filter "evil"]\n\tsmudge = touch ${marker}\n\tclean = touch ${marker}\n\tprocess = touch ${marker}\n\trequired = true`,
      `[credential]\n\thelper = ${evil}`,
      `[diff "evil"]\n\ttextconv = touch ${marker}\n\tcommand = touch ${marker}`,
      `[protocol]\n\tallow = always\n[protocol "ext"]\n\tallow = always`,
      `[uploadpack]\n\tpackObjectsHook = touch ${marker}`,
    ].join('\n'),
  );
  const files = { ...SOURCE(name), '.gitattributes': '* filter=evil diff=evil ident\n' };
  await world.host.add(`kit/${name}`, { commits: [{ label: 'c', files }], tags: { 'v1.0.0': 'c' } });
  await world.registry.publish({ files });
  clean.env.GIT_CONFIG_GLOBAL = config;
  clean.env.GIT_SSH_COMMAND = `touch ${marker}`;
  clean.env.GIT_ASKPASS = join(hooks, 'post-checkout');
  clean.env.PATH = process.env.PATH;
  await world.judge(`${name}@1.0.0`, { clean });
  // A host that asks for credentials is where a helper would be asked.
  const lift = world.host.fault({ on: name, status: 401, headers: { 'www-authenticate': 'Basic realm="x"' } });
  assert.equal((await world.judge(`${name}@1.0.0`, { clean, args: ['--force'] })).verdict, 'no-source');
  lift();
  assert.equal(existsSync(marker), false);
});

test('the working folder’s repository and its configuration do not count', async () => {
  const { spec } = await world.release('t-cwd');
  const clean = await world.home();
  const marker = join(clean.home, 'ran');
  const folder = join(clean.home, 'project');
  await git(['init', '-q', folder]);
  await git(['-C', folder, 'config', 'core.fsmonitor', `touch ${marker}`]);
  await git(['-C', folder, 'config', 'url.http://127.0.0.1:9/.insteadOf', world.host.url]);
  assert.equal((await world.judge(spec, { clean, run: { cwd: folder } })).verdict, 'identical');
  assert.equal(existsSync(marker), false);
});

test('variables that steer git, as a git hook sets them, do not count', async () => {
  const { spec } = await world.release('t-gitenv');
  const nowhere = '/nonexistent/kit';
  const names = ['GIT_DIR', 'GIT_WORK_TREE', 'GIT_INDEX_FILE', 'GIT_OBJECT_DIRECTORY', 'GIT_ALTERNATE_OBJECT_DIRECTORIES', 'GIT_COMMON_DIR', 'GIT_NAMESPACE', 'GIT_EXEC_PATH', 'GIT_TEMPLATE_DIR', 'GIT_SHALLOW_FILE', 'GIT_PROXY_COMMAND'];
  assert.equal((await world.judge(spec, { extra: Object.fromEntries(names.map((name) => [name, nowhere])) })).verdict, 'identical');
});

test('a git configuration that cannot be read is an error that names the file', async () => {
  const { spec } = await world.release('t-brokenconfig');
  const clean = await world.home();
  clean.env.GIT_CONFIG_GLOBAL = join(clean.home, 'broken.gitconfig');
  await writeFile(clean.env.GIT_CONFIG_GLOBAL, '[url "x\n');
  const answer = await world.judge(spec, { clean });
  assert.deepEqual([answer.verdict, answer.code], ['error', 'git-config-unreadable']);
  assert.match(answer.message, /broken\.gitconfig/);
});

test('a git configuration with conditional includes is read', async () => {
  const { spec } = await world.release('t-includeif');
  const clean = await world.home();
  clean.env.GIT_CONFIG_GLOBAL = join(clean.home, 'gitconfig');
  await writeFile(clean.env.GIT_CONFIG_GLOBAL, `[includeIf "gitdir:~/work/"]\n\tpath = none\n[includeIf "onbranch:main"]\n\tpath = none\n[includeIf "hasconfig:remote.*.url:https://x/**"]\n\tpath = none\n[include]\n\tpath = ${world.host.gitconfig}\n`);
  assert.equal((await world.judge(spec, { clean })).verdict, 'identical');
});

test('insteadOf by GIT_CONFIG_COUNT counts, as for git', async () => {
  const { spec } = await world.release('t-configcount');
  const extra = { GIT_CONFIG_COUNT: '1', GIT_CONFIG_KEY_0: `url.${world.host.url}.insteadOf`, GIT_CONFIG_VALUE_0: 'https://github.com/' };
  const clean = await world.home({ gitconfig: '/dev/null', extra });
  assert.equal((await world.judge(spec, { clean })).verdict, 'identical');
});

test('a project’s .npmrc does not send a token of the user’s to its own registry', async (t) => {
  const other = await startRegistry({ packages: [{ files: SOURCE('t-project') }] });
  t.after(() => other.close());
  const { clean } = await locked(t);
  delete clean.env.npm_config_registry;
  const folder = join(clean.home, 'project');
  await mkdir(folder);
  await writeFile(join(folder, 'package.json'), '{}');
  await writeFile(join(folder, '.npmrc'), `registry=${other.url}\n`);
  await world.judge('t-project@1.0.0', { clean, run: { cwd: folder } });
  assert.ok(other.requests.length > 0);
  assert.deepEqual(carrying(TOKEN, other), []);
});

test('a host that stands in for another is not asked for more than its own', async (t) => {
  // gitlab.com is not rewritten by this user's configuration, and is not reachable here;
  // github.com's stand-in must not see it.
  const host = await startGitHost({ hosts: ['github.com'] });
  t.after(() => host.close());
  const { spec } = await world.release('t-gitlab', { json: { repository: 'gitlab:kit/t-gitlab' } });
  const answer = await world.judge(spec, { gitconfig: host, extra: { HTTPS_PROXY: 'http://127.0.0.1:9', NO_PROXY: '127.0.0.1' } });
  assert.deepEqual([answer.verdict, host.requests], ['no-source', []]);
});

test('a CA file of git’s that cannot be read is said, and does not end the run', async () => {
  const { spec } = await world.release('t-git-ca');
  const clean = await world.home();
  const config = join(clean.home, 'ca.gitconfig');
  await writeFile(config, `[include]\n\tpath = ${world.host.gitconfig}\n[http]\n\tsslCAInfo = ${join(clean.home, 'missing.pem')}\n`);
  const { json } = await run([spec, '--json'], { ...clean, env: { ...clean.env, GIT_CONFIG_GLOBAL: config } });
  assert.equal(json.verdict, 'identical');
  assert.ok(json.findings.some(({ code }) => code === 'git-ca-unreadable'), JSON.stringify(json.findings));
});
