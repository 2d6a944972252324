// `reproduce audit --since` and the Action's `audit`: what a pull request changes in a lockfile,
// each format of it.

import assert from 'node:assert/strict';
import { mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { CLI, run } from './kit/cli.mjs';
import { git } from './kit/history.mjs';
import { integrityOf, writeFiles } from './kit/tarball.mjs';
import { openWorld } from './world.mjs';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const OTHER = integrityOf(Buffer.from('another tarball'));

let world;
let clean;
/**
 * `kept` stays as it is; `moved` goes from 1.0.0 to 2.0.0, `added` is new, and `tampered` gets
 * another hash.
 */
const of = {};
before(async () => {
  world = await openWorld();
  clean = await world.home();
  of.kept = await world.release('q-kept');
  of.old = await world.release('q-moved');
  // Its repository has the commit of the last release alone.
  assert.equal((await run(['q-moved@1.0.0'], { env: clean.env })).code, 0);
  const json = { scripts: { postinstall: 'node index.js' }, dependencies: { 'q-kept': '1' } };
  of.moved = { ...(await world.release('q-moved', { version: '2.0.0', json })), json };
  of.added = await world.release('q-added');
  of.tampered = await world.release('q-tampered');
});
after(() => world.close());

/**
 * The lockfiles of these packages, by format: a name, a text, and how far from the name of a
 * package its entry begins.
 */
const needs = (one) => (one.json?.dependencies ? { requires: one.json.dependencies } : {});
const tree = (all) => Object.fromEntries(all.map((one) => [one.name, { version: one.version, resolved: one.url, integrity: one.integrity, ...needs(one) }]));
const pnpmOf = (version, key) => (all) => `lockfileVersion: ${version}\n\npackages:\n${all.map((one) => `  ${key(one)}:\n    resolution: {integrity: ${one.integrity}}\n${one.json ? '    dependencies:\n      q-kept: 1.0.0\n' : ''}`).join('')}`;
const FORMATS = {
  npm: ['package-lock.json', (all) => JSON.stringify({ lockfileVersion: 3, packages: Object.fromEntries(all.map((one) => [`node_modules/${one.name}`, { version: one.version, resolved: one.url, integrity: one.integrity }])) }, null, 1)],
  'npm-1': ['package-lock.json', (all) => JSON.stringify({ lockfileVersion: 1, requires: true, dependencies: tree(all) }, null, 1)],
  'npm-2': ['package-lock.json', (all) => JSON.stringify({ lockfileVersion: 2, packages: Object.fromEntries(all.map((one) => [`node_modules/${one.name}`, { version: one.version, resolved: one.url, integrity: one.integrity }])), dependencies: tree(all) }, null, 1)],
  yarn: ['yarn.lock', (all) => `# yarn lockfile v1\n\n\n${all.map((one) => `${one.name}@*:\n  version "${one.version}"\n  resolved "${one.url}"\n  integrity ${one.integrity}\n`).join('\n')}`],
  pnpm: ['pnpm-lock.yaml', (all) => `lockfileVersion: '9.0'\n\npackages:\n${all.map((one) => `  ${one.name}@${one.version}:\n    resolution: {integrity: ${one.integrity}}\n`).join('')}`],
  'pnpm-5': ['pnpm-lock.yaml', pnpmOf('5.4', (one) => `/${one.name}/${one.version}`)],
  'pnpm-6': ['pnpm-lock.yaml', pnpmOf("'6.0'", (one) => `/${one.name}@${one.version}`)],
  bun: ['bun.lock', (all) => `{\n  "lockfileVersion": 1,\n  "packages": {\n${all.map((one) => `    "${one.name}": ["${one.name}@${one.version}", "", {}, "${one.integrity}"],\n`).join('')}  },\n}\n`],
  deno: ['deno.lock', (all) => JSON.stringify({ version: '5', npm: Object.fromEntries(all.map((one) => [`${one.name}@${one.version}`, { integrity: one.integrity }])) }, null, 1)],
  cyclonedx: ['bom.json', (all) => JSON.stringify({ bomFormat: 'CycloneDX', components: all.map((one) => ({ type: 'library', name: one.name, purl: `pkg:npm/${one.name}@${one.version}`, hashes: [{ alg: 'SHA-512', content: Buffer.from(one.integrity.slice(7), 'base64').toString('hex') }] })) }, null, 1), -2],
};

/**
 * A checkout in which a pull request changed the lockfile: its folder, the commit before, and the
 * line of the tampered package.
 */
async function pullRequest([name, text, offset = 0], tampered = { ...of.tampered, integrity: OTHER }) {
  const folder = await mkdtemp(join(clean.home, 'pr-'));
  const commit = async (all) => {
    await writeFiles(folder, { [name]: text(all) });
    await git(['add', '.'], { cwd: folder });
    await git(['-c', 'user.name=x', '-c', 'user.email=x@x.example', 'commit', '-qm', 'x'], { cwd: folder });
  };
  await git(['init', '-q'], { cwd: folder });
  await commit([of.kept, of.old, of.tampered]);
  const base = (await readFile(join(folder, '.git', (await readFile(join(folder, '.git/HEAD'), 'utf8')).slice(5).trim()), 'utf8')).trim();
  const now = [of.added, of.kept, of.moved, tampered];
  await commit(now);
  const line = text(now).split('\n').findIndex((one) => one.includes('q-tampered')) + 1 + offset;
  return { folder, base, line };
}

const audit = (folder, ...args) => run(['audit', ...args], { env: clean.env, cwd: folder });

test('only what changed is judged, with the version before, and where to look', async () => {
  const { folder, base } = await pullRequest(FORMATS.npm);
  for (const since of [base, 'HEAD~1', 'HEAD^']) {
    const { code, json } = await audit(folder, '--json', '--since', since);
    const rows = json.packages.map(({ name, exitCode, change }) => [name, exitCode, change.from, change.installScripts, change.dependencies]);
    assert.deepEqual([code, rows], [1, [['q-added', 0, null, [], []], ['q-moved', 0, '1.0.0', ['postinstall'], ['q-kept']], ['q-tampered', 1, '1.0.0', [], []]]], since);
    const { change } = json.packages[1];
    assert.deepEqual([change.provenance, change.claimedCommit, change.compare], ['none', null, `https://github.com/kit/q-moved/compare/${of.old.ids.c}...${of.moved.ids.c}`]);
  }
  const none = await audit(folder, '--json', '--since', 'HEAD');
  assert.deepEqual([none.code, none.json.packages], [0, []]);
  for (const since of ['nothing', '0'.repeat(40), 'HEAD~9', '--upload-pack=x', '']) {
    const odd = await audit(folder, '--json', `--since=${since}`);
    assert.deepEqual([odd.code, odd.json.code], [2, 'since-unreadable'], since);
  }
});

test('a version beside one that is still there has none before it, and one in its place has', async () => {
  const row = ({ version, url, integrity }) => ({ version, resolved: url, integrity });
  const lock = (rows) => ['package-lock.json', (all = []) => JSON.stringify({ lockfileVersion: 3, packages: Object.fromEntries(rows.map(([key, one]) => [`node_modules/${key}`, row(one)])) }, null, all.length)];
  const base = lock([['q-moved', of.old], ['q-kept', of.kept]]);
  for (const [rows, from] of [
    [[['q-moved', of.old], ['q-kept', of.kept], ['q-kept/node_modules/q-moved', of.moved]], null],
    [[['q-moved', of.moved], ['q-kept', of.kept]], '1.0.0'],
  ]) {
    const { folder } = await pullRequest(base);
    await writeFile(join(folder, 'package-lock.json'), lock(rows)[1]());
    const { json } = await audit(folder, '--json', '--since', 'HEAD');
    assert.deepEqual(json.packages.map(({ name, version, change }) => [name, version, change.from]), [['q-moved', '2.0.0', from]]);
  }
});

test('a name that stands for two commits is refused, and a whole name is taken', async () => {
  const { folder, base } = await pullRequest(FORMATS.npm);
  const ref = (name, to) => git(['update-ref', name, to], { cwd: folder });
  const codes = async (since) => {
    const { code, json } = await audit(folder, '--json', '--since', since);
    return [code, json.code ?? json.packages.length, json.message];
  };
  await ref('refs/remotes/origin/main', base);
  assert.deepEqual((await codes('origin/main')).slice(0, 2), [1, 3], 'the control');
  for (const other of ['refs/tags/origin/main', 'refs/heads/origin/main', 'refs/origin/main']) {
    await ref(other, base);
    assert.deepEqual((await codes('origin/main')).slice(0, 2), [1, 3], 'the same commit');
    await ref(other, 'HEAD');
    const [code, name, message] = await codes('origin/main');
    assert.deepEqual([code, name], [2, 'since-unreadable'], other);
    assert.match(message, new RegExp(`origin/main is both ${other} and refs/remotes/origin/main`));
    assert.deepEqual((await codes('refs/remotes/origin/main')).slice(0, 2), [1, 3], other);
    assert.deepEqual((await codes('origin/main~0')).slice(0, 2), [2, 'since-unreadable'], other);
    await git(['update-ref', '-d', other], { cwd: folder });
  }
  await ref('refs/remotes/origin/HEAD', base);
  assert.deepEqual((await codes('origin')).slice(0, 2), [1, 3]);
  await ref('refs/tags/HEAD', base);
  assert.deepEqual((await codes('HEAD')).slice(0, 2), [0, 0], 'HEAD is the checkout');
});

test('the commit that the registry names for the version before is its word, and no link, where nobody judged that version', async () => {
  const { folder, base } = await pullRequest(FORMATS.npm);
  const { env } = await world.home();
  const { json } = await run(['audit', '--json', '--since', base, '--summary', 'first.md'], { env, cwd: folder });
  assert.deepEqual([json.packages[1].change.compare, json.packages[1].change.claimedCommit], [null, of.old.ids.c]);
  const first = await readFile(join(folder, 'first.md'), 'utf8');
  assert.match(first, new RegExp(`before: commit ${of.old.ids.c.slice(0, 12)}, by the registry's word \\|`));
  assert.doesNotMatch(first, /\/compare\//);
});

test('what a package brings with it that did not change is no reason, and what is new in it is looked up', async () => {
  const files = { 'node_modules/in/package.json': '{"name":"in","version":"1.0.0"}', 'node_modules/in/index.js': '', 'node_modules/more/package.json': '{"name":"more","version":"1.0.0"}' };
  const bundle = await world.release('q-bundle', { json: { dependencies: { in: '1.0.0', more: '1.0.0' }, bundleDependencies: ['in', 'more'] }, files });
  const row = { version: '1.0.0', resolved: bundle.url, integrity: bundle.integrity, dependencies: { in: '1.0.0', more: '1.0.0' }, bundleDependencies: ['in', 'more'], dev: true };
  const lock = (rows) => ['package-lock.json', (all = []) => JSON.stringify({ lockfileVersion: 3, packages: { '': { devDependencies: { 'q-bundle': '1' } }, 'node_modules/q-bundle': row, ...rows } }, null, all.length)];
  const within = (name, version = '1.0.0') => ({ [`node_modules/q-bundle/node_modules/${name}`]: { version, inBundle: true, dev: true } });
  const { folder } = await pullRequest(lock({ ...within('in'), ...within('more') }));
  const codes = async (...args) => {
    const { code, json } = await audit(folder, '--json', ...args);
    return [code, ...json.leftOut.filter(({ reason }) => reason === 'bundled').map(({ exitCode }) => exitCode)];
  };
  assert.deepEqual(await codes('--since', 'HEAD'), [0, 0, 0], 'nothing changed');
  assert.deepEqual(await codes('--omit', 'dev'), [0, 0, 0], 'nothing of it is installed');
  const changed = async (rows) => {
    await writeFile(join(folder, 'package-lock.json'), lock(rows)[1]());
    return codes('--since', 'HEAD');
  };
  assert.deepEqual(await changed({ ...within('in'), ...within('more', '1.0.1') }), [2, 0, 2], 'another version than lies there');
  assert.equal((await changed({ ...within('in'), ...within('none') }))[0], 2, 'what does not lie there');
  await writeFile(join(folder, 'package-lock.json'), lock(within('in'))[1]());
  await git(['add', '.'], { cwd: folder });
  await git(['-c', 'user.name=x', '-c', 'user.email=x@x.example', 'commit', '-qm', 'x'], { cwd: folder });
  assert.deepEqual(await changed({ ...within('in'), ...within('more') }), [0, 0, 0], 'a new row of what really lies there');
});

test('the summary has the worst first, and no markup of a stranger', async () => {
  const { folder, base } = await pullRequest(FORMATS.npm);
  await audit(folder, '--since', base, '--summary', 'summary.md');
  const text = await readFile(join(folder, 'summary.md'), 'utf8');
  const rows = text.split('\n').filter((line) => line.startsWith('| q-'));
  assert.match(rows[0], /^\| q-tampered \| 1\.0\.0 \| 1\.0\.0 \| ❌ identical .*lockfile-integrity-mismatch/);
  assert.match(rows.join('\n'), /q-moved \| 1\.0\.0 \| 2\.0\.0 \| ✅ .*\*\*install script\*\* postinstall; needs q-kept; \[changes\]\(https:\/\/github\.com\//);
  assert.equal(rows.length, 3);
});

test('npm runs it as the script `dependencies` when an installation changed something, and a tampered one fails', async () => {
  const folder = await mkdtemp(join(clean.home, 'npm-'));
  const scripts = { dependencies: `"${process.execPath}" "${CLI}" audit --since HEAD` };
  await writeFiles(folder, { 'package.json': JSON.stringify({ name: 'x', version: '1.0.0', scripts }), 'package-lock.json': FORMATS.npm[1]([]) });
  await git(['init', '-q'], { cwd: folder });
  await git(['add', '.'], { cwd: folder });
  await git(['-c', 'user.name=x', '-c', 'user.email=x@x.example', 'commit', '-qm', 'x'], { cwd: folder });
  const bad = await world.release('q-bad', { published: { 'index.js': 'evil()\n' } });
  const npm = (spec) => run(['install', spec, '--no-audit', '--no-fund', '--foreground-scripts'], { command: ['npm'], cwd: folder, env: { ...clean.env, PATH: process.env.PATH } });
  const good = await npm('q-added@1.0.0');
  assert.equal(good.code, 0, good.stdout + good.stderr);
  assert.match(good.stdout, /identical {5}q-added@1\.0\.0(?: {2}\(stored\))?\n {4}new\n/);
  const failed = await npm(bad.spec);
  assert.notEqual(failed.code, 0);
  assert.match(failed.stdout, /differs {7}q-bad@1\.0\.0/);
});

for (const [format, files] of Object.entries(FORMATS)) {
  test(`the Action fails a pull request that tampers with one of three packages, and marks its line: ${format}`, async () => {
    const { folder, base, line } = await pullRequest(files);
    const at = (name) => join(folder, '..', `${format}-${name}`);
    await writeFile(at('event.json'), JSON.stringify({ pull_request: { base: { sha: base } } }));
    await writeFile(at('out'), '');
    const inputs = { INPUT_AUDIT: format === 'cyclonedx' ? 'bom.json' : 'true' };
    const env = { ...clean.env, ...inputs, GITHUB_ACTIONS: 'true', GITHUB_EVENT_PATH: at('event.json'), GITHUB_OUTPUT: at('out'), GITHUB_STEP_SUMMARY: at('summary.md'), RUNNER_TEMP: clean.home };
    const ran = await run([join(ROOT, 'action/run.mjs')], { command: [process.execPath], env, cwd: folder });
    assert.equal(ran.code, 1, ran.stdout + ran.stderr);
    const lines = ran.stdout.split('\n');
    assert.match(lines[0], /^differs {2}q-tampered@1\.0\.0 {2}\(lockfile-integrity-mismatch\)$/, 'named first');
    const marked = lines.filter((one) => one.startsWith('::'));
    assert.match(marked[0], new RegExp(`^::error file=${files[0]},line=${line},col=\\d+,title=q-tampered@1\\.0\\.0 \\[lockfile-integrity-mismatch\\]::`));
    assert.equal(marked.length, 1, marked.join('\n'));
    assert.match(await readFile(at('summary.md'), 'utf8'), /\| q-tampered /);
    const outputs = Object.fromEntries((await readFile(at('out'), 'utf8')).trim().split('\n').map((one) => one.split(/=(.*)/s)));
    assert.equal(outputs['exit-code'], '1');
    assert.match(await readFile(outputs.summary, 'utf8'), /^### reproduce audit/);
  });
}

test('yarn 2 and later has no hash of a tarball: what differs from its source fails, and its line is marked', async () => {
  const changed = await world.release('q-tampered', { version: '1.0.1', published: { 'index.js': 'evil()\n' } });
  const berry = ['yarn.lock', (all) => `__metadata:\n  version: 8\n  cacheKey: 10c0\n\n${all.map((one) => `"${one.name}@npm:*":\n  version: ${one.version}\n  resolution: "${one.name}@npm:${one.version}"\n${one.json ? '  dependencies:\n    q-kept: "npm:1"\n' : ''}  languageName: node\n  linkType: hard\n`).join('\n')}`];
  const { folder, base, line } = await pullRequest(berry, changed);
  const ran = await run(['audit', '--since', base], { env: { ...clean.env, GITHUB_ACTIONS: 'true' }, cwd: folder });
  assert.equal(ran.code, 1, ran.stdout + ran.stderr);
  const marked = (ran.stdout + ran.stderr).split('\n').filter((one) => one.startsWith('::'));
  assert.match(marked[0], new RegExp(`^::error file=yarn.lock,line=${line},col=\\d+,title=q-tampered@1\\.0\\.1 `));
  assert.equal(marked.length, 1, marked.join('\n'));
});
