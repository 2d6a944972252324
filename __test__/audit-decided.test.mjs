// `reproduce audit --since`: what a pull request could have a reviewer overlook: its own
// exceptions, provenance that does not hold, and scripts that no package.json names.

import assert from 'node:assert/strict';
import { mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { run } from './kit/cli.mjs';
import { git } from './kit/history.mjs';
import { writeFiles } from './kit/tarball.mjs';
import { openWorld } from './world.mjs';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const UNTIL = '9999-12-31';

let world;
let clean;
const of = {};
before(async () => {
  world = await openWorld();
  clean = await world.home();
  of.good = await world.release('w-good');
  of.bad = await world.release('w-bad', { published: { 'index.js': 'evil()\n' } });
});
after(() => world.close());

const row = ({ name, version, url, integrity }) => [`node_modules/${name}`, { version, resolved: url, integrity }];
const lock = (releases, more = {}) => JSON.stringify({ lockfileVersion: 3, packages: { ...Object.fromEntries(releases.map(row)), ...more } }, null, 1);
const decided = (...exceptions) => JSON.stringify({ exceptions }, null, 1);

/** A checkout with a commit before and the changes of a pull request: its folder and the base. */
async function pullRequest(base, now) {
  const folder = await mkdtemp(join(clean.home, 'pr-'));
  await git(['init', '-q'], { cwd: folder });
  for (const files of [base, now]) {
    await writeFiles(folder, files);
    await git(['add', '.'], { cwd: folder });
    await git(['-c', 'user.name=x', '-c', 'user.email=x@x.example', 'commit', '-qm', 'x'], { cwd: folder });
  }
  const audit = (...args) => run(['audit', '--since', 'HEAD~1', ...args], { env: clean.env, cwd: folder });
  return { folder, audit };
}

/** The Action's step on it: how it ends, its log, and the summary. */
async function step(folder, inputs = {}) {
  const { stdout: base } = await run(['-C', folder, 'rev-parse', 'HEAD~1'], { command: ['git'] });
  await writeFile(join(folder, 'event.json'), JSON.stringify({ pull_request: { base: { sha: base.trim() } } }));
  const [summary, output] = [join(folder, 'summary.md'), join(folder, 'output')];
  const env = { ...clean.env, INPUT_AUDIT: 'true', ...inputs, GITHUB_ACTIONS: 'true', GITHUB_EVENT_PATH: join(folder, 'event.json'), GITHUB_OUTPUT: output, GITHUB_STEP_SUMMARY: summary, RUNNER_TEMP: clean.home };
  const { code, stdout } = await run([join(ROOT, 'action/run.mjs')], { command: [process.execPath], env, cwd: folder });
  return { code, stdout, summary: await readFile(summary, 'utf8') };
}

test('the Action fails for a package without a result, whatever verdicts it fails for', async () => {
  const gone = { name: 'w-gone', version: '1.0.0', integrity: of.good.integrity, url: of.good.url.replaceAll('w-good', 'w-gone') };
  for (const [more, codes] of [[await world.release('w-fine'), { any: 0, differs: 0, none: 0 }], [of.bad, { any: 1, differs: 1, none: 0 }], [gone, { any: 2, differs: 2, none: 2 }]]) {
    const { folder } = await pullRequest({ 'package-lock.json': lock([of.good]) }, { 'package-lock.json': lock([of.good, more]) });
    for (const [failOn, code] of Object.entries(codes)) assert.equal((await step(folder, { INPUT_FAIL_ON: failOn })).code, code, `${more.name} ${failOn}`);
  }
});

test('an exception that comes with the change counts, and is shown for what it is', async () => {
  const old = { package: 'w-other', reason: 'x', until: UNTIL };
  const base = { 'package-lock.json': lock([of.good]), 'reproduce.json': decided(old) };
  const { folder, audit } = await pullRequest(base, { 'package-lock.json': lock([of.good, of.bad]), 'reproduce.json': decided(old, { package: 'w-b*', reason: 'trust me', until: UNTIL }) });
  const { code, json } = await audit('--json');
  const [bad] = json.packages;
  assert.deepEqual([code, bad.name, bad.exception, bad.exceptionIsNew], [0, 'w-bad', 'trust me', true]);
  const told = json.findings.filter((one) => one.code === 'exception-new');
  assert.deepEqual(told.map(({ path, severity }) => [path, severity]), [['reproduce.json:8:3', 'warning']]);
  assert.match(told[0].message, /w-b\*.*trust me/);
  assert.match((await audit()).stdout, /excepted by an exception that is new: trust me/);
  const ran = await step(folder);
  assert.match(ran.stdout, /^differs {2}w-bad@1\.0\.0 {2}\(content-differs\) {2}excepted by an exception that is new$/m);
  assert.match(ran.stdout, /^::warning file=reproduce\.json,line=8,col=3,title=\[exception-new\]::/m);
  assert.match(ran.summary, /\| w-bad \| – \| 1\.0\.0 \| ⚠️ differs \(content-differs\), \*\*excepted by an exception that is new\*\* \|/);
  assert.doesNotMatch(ran.summary, /✅/);
  assert.match(ran.summary, /reproduce\.json&#58;8&#58;3: the exception for w-b&#42;/);
});

test('an exception that was there before is no new one, and one whose reason changed is', async () => {
  const one = { package: 'w-bad', reason: 'known', until: UNTIL };
  const base = { 'package-lock.json': lock([of.good]), 'reproduce.json': decided(one) };
  for (const [now, isNew] of [[one, false], [{ ...one, reason: 'other' }, true], [{ ...one, until: '9999-12-30' }, true]]) {
    const { audit } = await pullRequest(base, { 'package-lock.json': lock([of.good, of.bad]), 'reproduce.json': `${decided(now)}\n` });
    const { json } = await audit('--json');
    assert.deepEqual([json.packages[0].exceptionIsNew, json.findings.some(({ code }) => code === 'exception-new')], [isNew, isNew], JSON.stringify(now));
  }
});

test('a git dependency that the change itself accepts is in the summary', async () => {
  const fork = { version: '1.0.0', resolved: `git+https://host.example/x.git#${'b'.repeat(40)}` };
  const now = { 'package-lock.json': lock([of.good], { 'node_modules/fork': fork }), 'reproduce.json': decided({ package: 'node_modules/fork', code: 'git', reason: 'ours', until: UNTIL }) };
  const { folder, audit } = await pullRequest({ 'package-lock.json': lock([of.good]) }, now);
  const { code, json } = await audit('--json');
  assert.deepEqual([code, json.leftOut.map(({ key, exception, exceptionIsNew }) => [key, exception, exceptionIsNew])], [0, [['node_modules/fork', 'ours', true]]]);
  const ran = await step(folder);
  assert.match(ran.summary, /^- node&#95;modules\/fork is left out: git, \*\*excepted by an exception that is new\*\*: ours$/m);
  assert.match(ran.stdout, /^::warning file=reproduce\.json,.*\[exception-new\]/m);
});

test('provenance that does not hold is not gained, and is told', async () => {
  const old = await world.release('w-prov');
  const statement = { _type: 'https://in-toto.io/Statement/v1', subject: [{ name: 'pkg:npm/w-prov@2.0.0' }], predicateType: 'https://slsa.dev/provenance/v1', predicate: {} };
  const envelope = { payload: Buffer.from(JSON.stringify(statement)).toString('base64'), payloadType: 'application/vnd.in-toto+json', signatures: [] };
  const attestations = { attestations: [{ predicateType: statement.predicateType, bundle: { dsseEnvelope: envelope } }] };
  const now = await world.release('w-prov', { version: '2.0.0', publication: { attestations } });
  const { folder, audit } = await pullRequest({ 'package-lock.json': lock([old]) }, { 'package-lock.json': lock([now]) });
  const { json } = await audit('--json');
  const [prov] = json.packages;
  assert.deepEqual([prov.change.provenance, prov.hasProvenance, prov.noticed.map(({ code, severity }) => [code, severity])], ['invalid', false, [['provenance-invalid', 'error']]]);
  assert.equal(json.totals.withProvenance, 0);
  const ran = await step(folder);
  assert.match(ran.stdout, /^identical {2}w-prov@2\.0\.0 {2}\(provenance-invalid\)$/m);
  assert.match(ran.stdout, /^::warning file=package-lock\.json,line=\d+,col=\d+,title=w-prov@2\.0\.0 \[provenance-invalid\]::the provenance does not hold/m);
  assert.match(ran.summary, /\| w-prov \| 1\.0\.0 \| 2\.0\.0 \| ⚠️ identical \(provenance-invalid\) \| \*\*invalid\*\* \|/);
});

test('a binding.gyp that is new is an install script that is new', async () => {
  const old = await world.release('w-gyp');
  const now = await world.release('w-gyp', { version: '2.0.0', files: { 'binding.gyp': '{}' } });
  const { audit } = await pullRequest({ 'package-lock.json': lock([old]) }, { 'package-lock.json': lock([now]) });
  const { json } = await audit('--json');
  assert.deepEqual(json.packages[0].change.installScripts, ['install']);
  // The control: one that was there before is not new.
  const later = await world.release('w-gyp', { version: '3.0.0', files: { 'binding.gyp': '{ }' } });
  const next = await pullRequest({ 'package-lock.json': lock([now]) }, { 'package-lock.json': lock([later]) });
  assert.deepEqual((await next.audit('--json')).json.packages[0].change.installScripts, []);
});

test('what a reproduced package is warned of is in the summary of the change', async () => {
  const name = 'w-roll';
  const files = (version, text) => ({ 'package.json': JSON.stringify({ name, version, repository: { type: 'git', url: `git+https://github.com/kit/${name}.git` } }), 'index.js': text });
  const commits = [{ label: 'old', files: files('1.0.0', 'vulnerable\n') }, { label: 'fix', files: files('1.0.1', 'fixed\n') }];
  const ids = await world.host.add(`kit/${name}`, { commits, tags: { 'v1.0.0': 'old', 'v1.0.1': 'fix' } });
  await world.registry.publish({ files: files('1.0.1', 'fixed\n'), gitHead: ids.fix });
  await world.registry.publish({ files: files('1.0.2', 'vulnerable\n'), gitHead: ids.old });
  const dist = (await (await fetch(`${world.registry.url}${name}`)).json()).versions;
  const release = (version) => ({ name, version, url: dist[version].dist.tarball, integrity: dist[version].dist.integrity });
  const { folder } = await pullRequest({ 'package-lock.json': lock([release('1.0.1')]) }, { 'package-lock.json': lock([release('1.0.2')]) });
  const ran = await step(folder);
  assert.match(ran.summary, /^- w-roll&#64;1\.0\.2: .*version-not-in-source/m);
});
