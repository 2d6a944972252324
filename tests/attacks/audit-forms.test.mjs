// What SBOMs, vendored trees, lists and databases of a stranger say: it is held, or told, and
// nothing of it is dropped without a word.

import assert from 'node:assert/strict';
import { chmod, mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { run } from '../../__test__/kit/cli.mjs';
import { lineOf, resultOf } from '../../__test__/kit/survey-lines.mjs';
import { writeFiles } from '../../__test__/kit/tarball.mjs';
import { openWorld } from '../../__test__/world.mjs';

let world;
let clean;
const of = {};
before(async () => {
  world = await openWorld();
  clean = await world.home();
  of.good = await world.release('s-good');
  of.fix = await world.release('s-fix', { files: { 'test/x/package.json': JSON.stringify({ name: 'x', version: '1.0.0', bin: { tsc: 'run.js' } }), 'test/x/run.js': 'evil()\n' } });
  of.bad = await world.release('s-bad', { published: { 'index.js': 'evil()\n' } });
});
after(() => world.close());

let projects = 0;
async function project(files) {
  const folder = join(clean.home, `f-${projects++}`);
  await mkdir(folder, { recursive: true });
  await writeFiles(folder, files);
  return folder;
}
const audit = (folder, ...args) => run(['audit', '--json', ...args], { env: clean.env, cwd: folder });
const hex = (one) => Buffer.from(one.integrity.slice('sha512-'.length), 'base64').toString('hex');
/** The exit code, with the codes and reasons that it is for. */
async function said(document, name = 'bom.json') {
  const ran = await audit(await project({ [name]: JSON.stringify(document) }), name);
  const codes = [...(ran.json.findings ?? []), ...(ran.json.packages ?? []).flatMap(({ findings }) => findings)].map(({ code }) => code);
  return [ran.code, ...codes, ...(ran.json.leftOut ?? []).map(({ reason }) => reason), ...(ran.json.code ? [ran.json.code] : [])];
}

test('a CycloneDX document hides no package, no address and no hash', async () => {
  const good = { type: 'library', 'bom-ref': 'g', name: 's-good', version: '1.0.0', purl: 'pkg:npm/s-good@1.0.0', hashes: [{ alg: 'SHA-512', content: hex(of.good) }] };
  const bad = { type: 'library', name: 's-bad', version: '1.0.0', purl: 'pkg:npm/s-bad@1.0.0' };
  const bom = (component, more = {}) => said({ bomFormat: 'CycloneDX', specVersion: '1.6', components: [component], ...more });
  assert.deepEqual(await bom(good), [0], 'the control');
  const nothing = { ...good, hashes: undefined };
  const at = (url, more) => ({ externalReferences: [{ type: 'distribution', url: of.good.url }, { type: 'distribution', url, ...more }] });
  const elsewhere = 'https://evil.example/x.tgz';
  assert.deepEqual(await bom({ ...nothing, ...at(of.good.url) }), [0], 'the registry\'s own address');
  assert.deepEqual(await bom(good, { metadata: { component: { type: 'application', name: 'app', components: [bad] } } }), [1, 'project']);
  assert.deepEqual(await bom({ ...nothing, ...at(elsewhere) }), [2, 'lockfile-other-host']);
  assert.deepEqual(await bom({ ...nothing, purl: `${good.purl}?download_url=${elsewhere}` }), [2, 'lockfile-other-host']);
  assert.deepEqual(await bom({ ...nothing, purl: `${good.purl}?vcs_url=git+https://evil.example/x.git` }), [2, 'git']);
  assert.deepEqual(await bom({ ...good, ...at(of.good.url, { hashes: [{ alg: 'SHA-512', content: hex(of.bad) }] }) }), [1, 'lockfile-integrity-mismatch']);
  for (const hashes of [[{ alg: 'SHA3-512', content: 'ab'.repeat(64) }], { alg: 'SHA-512', content: hex(of.good) }, [`sha512-${hex(of.good)}`]]) {
    assert.deepEqual(await bom({ ...good, hashes }), [2, 'lockfile-integrity-weak'], JSON.stringify(hashes));
  }
  assert.deepEqual(await bom({ ...good, hashes: [{ alg: 'SHA-512', content: 'zz' }] }), [1, 'lockfile-integrity-mismatch']);
  assert.deepEqual(await bom({ ...good, modified: true }), [2, 'file']);
  assert.deepEqual(await bom({ ...good, version: '9.9.9' }), [2, 'unreadable']);
  assert.deepEqual(await bom({ ...good, name: 's-bad' }), [2, 'lockfile-other-package']);
  assert.deepEqual(await bom(good, { dependencies: [{ ref: 'g', dependsOn: ['pkg:npm/s-bad@1.0.0'] }] }), [2, 'lockfile-stale']);
  assert.deepEqual(await bom(good, { spdxVersion: 'SPDX-2.3', packages: [] }), [2, 'lockfile-malformed']);
});

test('an SPDX document hides no package behind the one that it is about', async () => {
  const ref = (name) => ({ referenceCategory: 'PACKAGE-MANAGER', referenceType: 'purl', referenceLocator: `pkg:npm/${name}@1.0.0` });
  const root = { SPDXID: 'SPDXRef-root', name: 'app' };
  const spdx = (packages, more = {}) => said({ spdxVersion: 'SPDX-2.3', documentDescribes: ['SPDXRef-root'], packages: [root, ...packages], ...more });
  assert.deepEqual(await spdx([{ SPDXID: 'a', name: 's-good', externalRefs: [ref('s-good')] }]), [0, 'project'], 'the control');
  assert.deepEqual(await spdx([{ SPDXID: 'a', name: 's-good', externalRefs: [ref('s-good'), ref('s-bad')] }]).then(([code]) => code), 1);
  assert.deepEqual(await spdx([{ SPDXID: 'SPDXRef-root', externalRefs: [ref('s-bad')] }]), [1, 'project']);
  assert.deepEqual(await spdx([{ name: 'SPDXRef-root', externalRefs: [ref('s-bad')] }]).then(([code]) => code), 1);
  assert.deepEqual(await spdx([], { externalDocumentRefs: [{ externalDocumentId: 'DocumentRef-x', spdxDocument: 'https://x.example/y' }] }), [2, 'project', 'file']);
});

test('--tree goes by the package.json of a package for its commands, and tells of files with their owner\'s rights', async () => {
  const files = Object.fromEntries(Object.entries(of.fix.files).map(([name, text]) => [`node_modules/s-fix/${name}`, text]));
  const folder = await project(files);
  assert.equal((await audit(folder, '--tree')).code, 0, 'the control');
  await chmod(join(folder, 'node_modules/s-fix/test/x/run.js'), 0o4755);
  const owned = await audit(folder, '--tree');
  assert.deepEqual([owned.code, owned.json.packages[0].findings.map(({ code }) => code)], [1, ['tree-differs']]);
  await chmod(join(folder, 'node_modules/s-fix/test/x/run.js'), 0o755);
  await mkdir(join(folder, 'node_modules/.bin'));
  await symlink('../s-fix/test/x/run.js', join(folder, 'node_modules/.bin/tsc'));
  const linked = await audit(folder, '--tree');
  assert.deepEqual([linked.code, linked.json.leftOut.map(({ key, reason }) => [key, reason])], [2, [['.bin/tsc', 'link']]]);
});

test('--tree takes no link for a package of the link\'s name', async () => {
  const at = (one, name = one.name) => Object.fromEntries(Object.entries(one.files).map(([file, text]) => [`node_modules/${name}/${file}`, text]));
  const asks = (dependencies, more = {}) => JSON.stringify({ name: 'x', version: '1.0.0', dependencies, ...more });
  const own = { 'vendor/e/package.json': '{"name":"e","version":"1.0.0"}', 'vendor/e/index.js': 'e()\n', 'w/package.json': '{"name":"w","version":"1.0.0"}' };
  const told = async (name, to, manifest = asks({ 's-good': '^1.0.0' })) => {
    const folder = await project({ ...at(of.fix), ...own, 'package.json': manifest });
    await symlink(to, join(folder, 'node_modules', name));
    const ran = await audit(folder, '--tree');
    return [ran.code, ...ran.json.leftOut.filter(({ exitCode }) => exitCode).map(({ key, reason }) => `${key} ${reason}`)];
  };
  assert.deepEqual(await told('w', '../w', asks({}, { workspaces: ['w'] })), [0], 'a workspace');
  assert.deepEqual(await told('s-good', '../vendor/e', asks({ 's-good': 'file:vendor/e' })), [0], 'a folder that is asked for');
  assert.deepEqual(await told('s-good', 's-fix', asks({ 's-good': 'npm:s-fix@^1.0.0' })), [0], 'an alias that is asked for');
  for (const to of ['s-fix', '../vendor/e', '../w', '../vendor']) assert.deepEqual(await told('s-good', to), [2, 's-good link'], to);
  assert.deepEqual(await told('S-FIX', 's-fix'), [2, 'S-FIX link']);
  assert.deepEqual(await told('e', '../vendor/e'), [2, 'e link'], 'no workspace');
});

test('what was surveyed with another cache folder does not count by itself', async () => {
  const folder = await project({ 'list.txt': 's-good@1.0.0\n' });
  const survey = (cache, ...more) => run(['survey', 'list.txt', '--db', 'x.db', '--cache-dir', join(folder, cache), ...more], { env: clean.env, cwd: folder });
  assert.equal((await survey('one')).code, 0);
  assert.doesNotMatch((await survey('one')).stderr, /were not written/, 'the control');
  const other = await survey('two', '--resume');
  assert.match(other.stderr, /goes on where it ended\nwarning: 1 results of its run were not written with this cache folder: they count\n/);
  const alone = await survey('two');
  assert.match(alone.stderr, /x\.db\nwarning: 1 results of its run were not written with this cache folder: that run does not count; --resume goes on with it\n/);
  assert.match(alone.stdout, /identical {5}s-good@1\.0\.0/, 'it is judged again');
});

test('lines of one package count once, and it is said that there are more', async () => {
  const line = (spec, version) => lineOf(spec, resultOf('a', version, 'identical', null));
  const folder = await project({ 'x.ndjson': `${[line('a', '1.0.0'), line('a', '1.0.0'), line('a@1.0.0', '1.0.0'), line('a@2.0.0', '2.0.0')].join('\n')}\n` });
  const report = (...args) => run(['report', 'x.ndjson', ...args], { env: clean.env, cwd: folder });
  const json = await report('--json');
  assert.deepEqual([json.code, json.json.packages], [0, 2]);
  assert.equal(json.stderr, 'x.ndjson: 2 lines are of packages that it has already, and do not count\n');
  assert.equal((await report('--list')).stdout, 'a\na@2.0.0\n');
});

test('a summary says how much it leaves out, and an exception names a package', async () => {
  const packages = Object.fromEntries(Array.from({ length: 700 }, (_, at) => [`node_modules/g${at}`, { version: '1.0.0', resolved: `git+ssh://git@code.example/g${at}.git#${'0'.repeat(40)}` }]));
  const folder = await project({ 'package-lock.json': JSON.stringify({ lockfileVersion: 3, packages }) });
  assert.equal((await audit(folder, '--summary', 's.md')).code, 2);
  const summary = await readFile(join(folder, 's.md'), 'utf8');
  assert.match(summary, /\n- and 200 more are left out\n/);
  for (const name of ['@*', '@', '@**', '*']) {
    await writeFile(join(folder, 'reproduce.json'), JSON.stringify({ exceptions: [{ package: name, reason: 'x', until: '2099-01-01' }] }));
    assert.deepEqual(await audit(folder).then(({ code, json }) => [code, json.code]), [2, 'exceptions-invalid'], name);
  }
});
