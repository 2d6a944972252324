import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { startGitHost } from './githost.mjs';
import { git } from './history.mjs';

const history = {
  commits: [
    { label: 'one', files: { 'package.json': '{}', 'bin/x': { data: 'x', mode: 0o755 }, 'l"i\nnk': { link: 'package.json' } } },
    { label: 'two', files: { 'bin/x': null, sub: { submodule: 'a'.repeat(40) } } },
    { label: 'fork', parents: ['one'], files: { evil: 'e' } },
    { label: 'merge', parents: ['two', 'fork'], date: '2022-01-01T00:00:00Z' },
    { label: 'other', parents: [], files: { other: 'o' } },
  ],
  branches: { main: 'two', old: 'one' },
  tags: { 'v1.0.0': 'one', 'v2.0.0': { commit: 'two', annotated: true } },
  refs: { 'refs/pull/1/head': 'fork' },
};
let host;
let work;
before(async () => {
  host = await startGitHost({ repositories: { 'Kit/Repo': history }, hosts: ['github.com', 'gitlab.com'] });
  work = await mkdtemp(join(tmpdir(), 'kit-work-'));
});
after(async () => {
  await host.close();
  await rm(work, { recursive: true });
});

const as = (env) => ({ env: { GIT_CONFIG_GLOBAL: host.gitconfig, ...env } });
const ids = () => host.ids['Kit/Repo'];

test('a history has the commits, trees, modes and refs that were described', async () => {
  const directory = host.directory('kit/repo');
  const inside = (...args) => git(['--git-dir', directory, ...args]);
  assert.equal(await inside('fsck', '--strict', '--no-dangling'), '');
  assert.match(await inside('ls-tree', '-r', ids().one), /^100755 blob \S+\tbin\/x\n120000 blob \S+\t"l\\"i\\nnk"\n100644 blob \S+\tpackage\.json$/);
  assert.match(await inside('ls-tree', ids().two), /160000 commit a{40}\tsub/);
  assert.equal(await inside('show', '-s', '--format=%P', ids().merge), `${ids().two} ${ids().fork}`);
  assert.equal(await inside('show', '-s', '--format=%P %ct', ids().one), ' 1577836860');
  const refs = await inside('for-each-ref', '--format=%(refname) %(objecttype)');
  assert.equal(refs, 'refs/heads/main commit\nrefs/heads/old commit\nrefs/pull/1/head commit\nrefs/tags/v1.0.0 commit\nrefs/tags/v2.0.0 tag');
});

test('the same description gives the same ids', async (t) => {
  const again = await startGitHost({ repositories: { 'a/b': history } });
  t.after(() => again.close());
  assert.deepEqual(again.ids['a/b'], ids());
  assert.equal(ids().one, 'f096a94c35b59971bb1366c24397b1f6331a5c14');
});

test('a label that is not there is an error', async (t) => {
  const other = await startGitHost();
  t.after(() => other.close());
  await assert.rejects(other.add('a/b', { commits: [{ label: 'x', parents: ['y'] }] }), /label y/);
});

for (const address of [
  'https://github.com/kit/repo', 'https://github.com/KIT/Repo.git', 'git://github.com/kit/repo.git',
  'git@github.com:kit/repo.git', 'ssh://git@github.com/kit/repo', 'git+https://github.com/kit/repo.git',
]) {
  test(`insteadOf leads here from ${address}`, async () => {
    assert.equal(await git(['ls-remote', address, 'HEAD'], as()), `${ids().two}\tHEAD`);
  });
}

test('another host has names of its own', async () => {
  const { g } = await host.add('gitlab.com/group/sub/name', { commits: [{ label: 'g' }] });
  assert.equal(await git(['ls-remote', 'https://gitlab.com/group/sub/name.git', 'HEAD'], as()), `${g}\tHEAD`);
  await assert.rejects(git(['ls-remote', 'https://github.com/group/sub'], as()), /not found/);
});

test('one commit by id, also of a pull request', async () => {
  for (const label of ['one', 'fork']) {
    const directory = join(work, label);
    await git(['init', '--bare', '-q', directory]);
    await git(['--git-dir', directory, 'fetch', '-q', '--depth', '1', host.url + 'kit/repo', ids()[label]]);
    assert.equal(await git(['--git-dir', directory, 'rev-list', '--count', ids()[label]]), '1');
  }
});

/** The last fetch or clone of a test, as the host saw it. */
const advertised = async (kind) => {
  const response = await fetch(`${kind.url}kit/repo/info/refs?service=git-upload-pack`, { headers: { 'git-protocol': 'version=2' } });
  return Buffer.from(await response.arrayBuffer()).toString();
};

test('protocol 2 with filters unless told otherwise', async (t) => {
  assert.match(await advertised(host), /version 2[^]*fetch=shallow wait-for-done filter/);
  const repositories = { 'kit/repo': host.directory('kit/repo') };
  const filterless = await startGitHost({ repositories, filter: false });
  const old = await startGitHost({ repositories, protocol: 0 });
  const middle = await startGitHost({ repositories, protocol: 1, hideRefs: ['refs/pull'] });
  t.after(() => Promise.all([filterless, old, middle].map((other) => other.close())));
  assert.doesNotMatch(await advertised(filterless), /filter/);
  assert.doesNotMatch(await advertised(old), /version 2/);
  assert.match(await advertised(old), /refs\/pull\/1\/head/);
  assert.doesNotMatch(await advertised(middle), /refs\/pull|version 2/);
  await git(['clone', '-q', '--bare', `${old.url}kit/repo`, join(work, 'old')]);
});

test('an unadvertised commit is refused by an old server that does not allow it', async (t) => {
  const repositories = { 'kit/repo': host.directory('kit/repo') };
  const strict = await startGitHost({ repositories, protocol: 0, allowAnySHA1InWant: false, hideRefs: ['refs/pull'] });
  t.after(() => strict.close());
  const directory = join(work, 'strict');
  await git(['init', '--bare', '-q', directory]);
  await assert.rejects(git(['--git-dir', directory, 'fetch', '-q', `${strict.url}kit/repo`, ids().fork]), /unadvertised object/);
});

test('a renamed repository redirects', async () => {
  await host.add('kit/before', { commits: [{ label: 'r' }] });
  host.rename('kit/before', 'kit/after');
  const from = host.requests.length;
  await git(['ls-remote', 'https://github.com/kit/before.git'], as());
  assert.deepEqual(host.requests.slice(from).map(({ status }) => status).slice(0, 2), [301, 200]);
});

test('a pack can be cut', async () => {
  const lift = host.fault({ on: 'git-upload-pack', method: 'POST', after: 1, cut: 60 });
  await assert.rejects(git(['clone', '-q', '--bare', `${host.url}kit/repo`, join(work, 'cut')]));
  lift();
});

test('what is unknown is a 404', async () => {
  for (const path of ['no/body/info/refs', 'kit/repo/../x/info/refs', '']) assert.equal((await fetch(host.url + path)).status, 404, path);
});
