// What others say of a package: registry signatures, npm provenance, the versions before it.
// Checked, shown, and never a verdict.

import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { Parser } from 'tar';
import { reproduce } from '../index.js';
import { run } from './kit/cli.mjs';
import { git } from './kit/history.mjs';
import { startRegistry } from './kit/registry.mjs';
import { manifest, openWorld } from './world.mjs';

const fixture = (name) => readFile(new URL(`./fixtures/attestations/${name}`, import.meta.url));

let world;
let gundam;
let attestations;
let ids;
before(async () => {
  world = await openWorld();
  gundam = await fixture('gundam-visor-1.0.1.tgz');
  attestations = JSON.parse(await fixture('gundam-visor-1.0.1.json'));
  ids = await world.host.add('ramonpetgrave64/gundam-visor', {
    commits: [{ label: 'c', files: await unpack(gundam) }, { label: 'd', clear: true, files: NEXT }],
    tags: { 'v1.0.1': 'c', 'v1.0.2': 'd' },
  });
});
after(() => world.close());

const codesOf = (answer) => answer.findings.map(({ code }) => code);
const finding = (answer, code) => answer.findings.find((one) => one.code === code) ?? assert.fail(`no finding ${code}: ${codesOf(answer)}`);

const REPOSITORY = { type: 'git', url: 'https://github.com/ramonpetgrave64/gundam-visor' };
const COMMIT = '599500821344b070902a7a5666064bfdaba715df';
const NEXT = { 'package.json': manifest('gundam-visor', '1.0.2', { repository: REPOSITORY.url }), 'index.js': 'other\n' };

// ── signatures ──

test('a signature of the registry is checked with its key', async () => {
  const { spec } = await world.release('e-signed', { publication: { signed: true } });
  const answer = await world.judge(spec);
  assert.deepEqual([answer.verdict, answer.signatures.length, answer.signatures[0].status], ['identical', 1, 'valid']);
  assert.deepEqual(codesOf(answer), []);
});

test('a signature of another version is an error that leaves the verdict alone: signature-invalid', async () => {
  const { spec } = await world.release('e-forged', { publication: { signed: true } });
  const other = await world.release('e-forged-2', { publication: { signed: true } });
  const [theirs] = world.registry.packuments.get(other.name).versions['1.0.0'].dist.signatures;
  world.registry.packuments.get('e-forged').versions['1.0.0'].dist.signatures = [theirs];
  const answer = await world.judge(spec);
  assert.deepEqual([answer.verdict, answer.reproduced, answer.signatures[0].status], ['identical', true, 'invalid']);
  assert.equal(finding(answer, 'signature-invalid').severity, 'error');
});

test('a registry without keys or attestations is a registry like any other', async (t) => {
  const mirror = await startRegistry();
  t.after(() => mirror.close());
  const { files } = await world.release('e-mirrored');
  await mirror.publish({ files });
  const plain = await world.judge('e-mirrored@1.0.0', { registry: mirror });
  assert.deepEqual([plain.verdict, plain.signatures, plain.provenance, plain.attested], ['identical', [], null, false]);
  // As a mirror that passes on the metadata of the registry behind it, and nothing else.
  const dist = mirror.packuments.get('e-mirrored').versions['1.0.0'].dist;
  dist.signatures = [{ keyid: 'SHA256:x', sig: 'AAAA' }];
  dist.attestations = { url: 'https://registry.npmjs.org/-/npm/v1/attestations/e-mirrored@1.0.0', provenance: { predicateType: 'https://slsa.dev/provenance/v1' } };
  const passed = await world.judge('e-mirrored@1.0.0', { registry: mirror });
  assert.deepEqual([passed.verdict, passed.signatures[0].status, passed.provenance, passed.attested], ['identical', 'unchecked', null, true]);
  assert.deepEqual(codesOf(passed), []);
});

// ── provenance ──

test('real provenance is verified, and what the repository says against it is said', async () => {
  // The real tarball with its real attestations; the repository on loopback has the same files in a
  // commit of its own.
  await world.registry.publish({ name: 'gundam-visor', version: '1.0.1', tarball: gundam, manifest: { repository: REPOSITORY }, attestations });
  const answer = await world.judge('gundam-visor@1.0.1');
  assert.equal(answer.reproduced, true, answer.verdict);
  const { provenance } = answer;
  assert.deepEqual([provenance.verified, provenance.problem, provenance.digestMatches, provenance.subjectMatches], [true, null, true, true]);
  assert.deepEqual([provenance.repository, provenance.commit], [REPOSITORY.url, COMMIT]);
  assert.deepEqual([provenance.ref, provenance.refKind, provenance.trigger], ['refs/tags/v1.0.1', 'tag', 'release']);
  assert.match(provenance.signer, /\/gundam-visor\/\.github\/workflows\/npm-publish\.yml@refs\/tags\/v1\.0\.1$/);
  assert.match(provenance.loggedAt, /^2024-06-03T/);
  assert.deepEqual([provenance.repositoryMatches, provenance.commitMatches], [true, false]);
  assert.deepEqual(answer.evidence.filter(({ kind }) => kind === 'provenance').map(({ commit }) => commit), [COMMIT]);
  assert.equal(finding(answer, 'provenance-commit-mismatch').severity, 'warning');
  assert.match(finding(answer, 'tag-moved').message, new RegExp(`${COMMIT}.*${ids.c}`));
  const ran = await run(['gundam-visor@1.0.1'], { env: answer.clean.env, cwd: answer.clean.home });
  assert.match(ran.stdout, /provenance https:\/\/github\.com\/ramonpetgrave64\/gundam-visor#599500821344 \(refs\/tags\/v1\.0\.1\).*another commit/);
});

test('provenance of another version is refused: provenance-subject-mismatch', async () => {
  await world.registry.publish({ files: NEXT, attestations });
  const answer = await world.judge('gundam-visor@1.0.2');
  assert.deepEqual([answer.verdict, answer.provenance.verified, answer.provenance.subjectMatches], ['identical', false, false]);
  assert.equal(finding(answer, 'provenance-subject-mismatch').severity, 'error');
  assert.ok(!answer.evidence.some(({ kind }) => kind === 'provenance'), 'what does not hold names no commit');
});

test('provenance of another tarball is refused: provenance-digest-mismatch', async (t) => {
  const registry = await startRegistry();
  t.after(() => registry.close());
  const files = { 'package.json': manifest('gundam-visor', '1.0.1', { repository: REPOSITORY.url }), 'index.js': 'evil\n' };
  await registry.publish({ files, attestations });
  const answer = await world.judge('gundam-visor@1.0.1', { registry });
  assert.deepEqual([answer.provenance.verified, answer.provenance.digestMatches], [false, false]);
  assert.equal(finding(answer, 'provenance-digest-mismatch').severity, 'error');
});

for (const [what, document] of [
  ['no document', 'oops'],
  ['an edited payload', null],
]) {
  test(`${what} in place of provenance is an error: provenance-invalid`, async () => {
    const edited = structuredClone(attestations);
    const envelope = edited.attestations[1].bundle.dsseEnvelope;
    envelope.payload = Buffer.from(Buffer.from(envelope.payload, 'base64').toString().replace(COMMIT, '0'.repeat(40))).toString('base64');
    const { spec } = await world.release(`e-${what.replaceAll(' ', '-')}`, { publication: { attestations: document ?? edited } });
    const answer = await world.judge(spec);
    assert.deepEqual([answer.verdict, answer.provenance.verified], ['identical', false]);
    assert.equal(finding(answer, 'provenance-invalid').severity, 'error');
  });
}

test('--trusted-root names another root, and one that cannot be read is a usage error', async (t) => {
  const clean = await world.home();
  t.after(() => clean.remove());
  const root = join(clean.home, 'root.json');
  await writeFile(root, '{}');
  const ran = await run(['gundam-visor@1.0.1', '--json', '--trusted-root', root], { env: clean.env });
  assert.deepEqual([ran.code, ran.json.code, ran.json.stage], [2, 'usage', 'usage']);
  assert.match(ran.json.message, /trusted root/);
});

test('a tag that an earlier run saw at another commit has moved: tag-moved', async () => {
  const files = { 'package.json': manifest('e-moved'), 'index.js': 'same\n' };
  const made = await world.host.add('kit/e-moved', {
    commits: [{ label: 'c', files }, { label: 'd', files: { 'README.md': 'more\n' } }],
    tags: { 'v1.0.0': 'c' },
  });
  await world.registry.publish({ files });
  const first = await world.judge('e-moved@1.0.0');
  assert.deepEqual([first.verdict, codesOf(first)], ['identical', []]);
  const again = await world.judge('e-moved@1.0.0', { clean: first.clean, args: ['--force'] });
  assert.deepEqual(codesOf(again), []);
  await git(['--git-dir', world.host.directory('kit/e-moved'), 'update-ref', 'refs/tags/v1.0.0', made.d]);
  const moved = await world.judge('e-moved@1.0.0', { clean: first.clean, args: ['--force'] });
  assert.match(finding(moved, 'tag-moved').message, new RegExp(`v1\\.0\\.0 was at ${made.c} on .*, and is at ${made.d} now`));
});

// ── other commits ──

test('a published file with the bytes of another commit names that commit, and one with bytes of none says so', async () => {
  const name = 'e-elsewhere';
  const files = (n) => ({ 'package.json': manifest(name, '1.0.0'), 'a.js': `a(${n})\n`, 'b.js': 'b()\n', 'c.js': `c(${n})\n` });
  const commits = [1, 2, 3].map((n) => ({ label: `c${n}`, files: files(n) }));
  const made = await world.host.add(`kit/${name}`, { commits, tags: { 'v1.0.0': 'c3' } });
  await world.registry.publish({ files: { ...files(3), 'a.js': files(1)['a.js'], 'b.js': 'evil()\n' } });
  const answer = await world.judge(`${name}@1.0.0`, { args: ['--source', `github:kit/${name}#${made.c3}`] });
  assert.equal(answer.origin.commit, made.c3);
  assert.ok(!codesOf(answer).includes('bytes-in-no-commit'), 'the user named the commit: no other is looked at');
  const other = await world.judge(`${name}@1.0.0`);
  // The commit with the most files is taken; the files that it has otherwise are looked for around
  // it.
  assert.equal(other.verdict, 'differs');
  assert.match(finding(other, 'bytes-in-no-commit').message, /commits around has the published bytes of b\.js$/);
  const [, path, commit] = / ([ac])\.js in ([0-9a-f]{12})$/.exec(finding(other, 'bytes-in-other-commit').message) ?? assert.fail();
  assert.ok({ a: made.c1, c: made.c3 }[path].startsWith(commit), `${path} ${commit}`);
});

// ── history ──

/**
 * Versions 1.0.0 to 1.<n>.0 of a package, each with a tag; `last` is what the last one has that no
 * commit has.
 */
async function line(name, count, { last = {}, published = {} } = {}) {
  const source = (n) => ({ 'package.json': manifest(name, `1.${n}.0`), 'index.js': `module.exports = ${n};\n` });
  const numbers = [...Array(count).keys()];
  await world.host.add(`kit/${name}`, {
    commits: numbers.map((n) => ({ label: `c${n}`, files: source(n) })),
    tags: Object.fromEntries(numbers.map((n) => [`v1.${n}.0`, `c${n}`])),
  });
  for (const n of numbers) await world.registry.publish({ files: source(n), ...published });
  if (Object.keys(last).length > 0) await world.registry.publish({ files: { ...source(count), ...last } });
  return `${name}@1.${count - (Object.keys(last).length > 0 ? 0 : 1)}.0`;
}

test('--history says that earlier versions reproduced and this one does not: regressed', async () => {
  const spec = await line('e-stolen', 4, { last: { 'evil.js': 'evil\n' } });
  const answer = await world.judge(spec, { args: ['--history', '3'] });
  assert.deepEqual([answer.verdict, answer.reproduced], ['no-source', false]);
  assert.deepEqual(answer.history.map(({ version, verdict, tag, attested }) => [version, verdict, tag, attested]), [
    ['1.3.0', 'identical', 'v1.3.0', false],
    ['1.2.0', 'identical', 'v1.2.0', false],
    ['1.1.0', 'identical', 'v1.1.0', false],
  ]);
  const { severity, message } = finding(answer, 'regressed');
  assert.equal(severity, 'error');
  assert.equal(message, '3 of 3 earlier versions reproduced, 3 had a tag, 0 had provenance; this one is not reproduced, has no tag, has no provenance');
  const ran = await run([spec, '--history'], { env: answer.clean.env, cwd: answer.clean.home });
  assert.match(ran.stdout, /history {4}4 of 4 earlier versions reproduced, 4 had a tag/);
});

test('a history of versions that all reproduce is no finding, and is not stored with the result', async () => {
  const spec = await line('e-steady', 3);
  const answer = await world.judge(spec, { args: ['--history=10'] });
  assert.deepEqual([answer.reproduced, answer.history.length, codesOf(answer)], [true, 2, []]);
  const again = await world.judge(spec, { clean: answer.clean, args: ['--offline'] });
  assert.equal(again.history, null);
  // What the history judged is stored like anything else.
  const earlier = await world.judge('e-steady@1.0.0', { clean: answer.clean, args: ['--offline', '--strategy', 'source'] });
  assert.equal(earlier.verdict, 'identical');
});

test('provenance that earlier versions list and this one does not is a warning: provenance-lost', async () => {
  const spec = await line('e-lost', 3, { last: { 'evil.js': 'evil\n' }, published: { attestations: { attestations: [] } } });
  const answer = await world.judge(spec, { args: ['--history'] });
  assert.deepEqual(answer.history.map(({ attested }) => attested), [true, true, true]);
  assert.equal(finding(answer, 'provenance-lost').severity, 'warning');
});

test('a history builds nothing unless strategies are named', async () => {
  const source = (version) => ({ 'package.json': manifest('e-built', version, { scripts: { prepare: 'node build.js' } }), 'build.js': '' });
  await world.host.add('kit/e-built', { commits: [{ label: 'c', files: source('1.0.0') }, { label: 'd', files: source('1.1.0') }], tags: { 'v1.0.0': 'c', 'v1.1.0': 'd' } });
  await world.registry.publish({ files: { ...source('1.0.0'), 'lib/built.js': 'built\n' } });
  await world.registry.publish({ files: source('1.1.0') });
  const answer = await world.judge('e-built@1.1.0', { args: ['--history'] });
  const [earlier] = answer.history;
  assert.deepEqual([earlier.reproduced, earlier.strategies], [false, ['source']]);
  assert.ok(!codesOf(answer).includes('regressed'));
});

test('a tarball by itself has no history: history-unavailable', async (t) => {
  const clean = await world.home();
  t.after(() => clean.remove());
  const { spec, tarball } = await world.release('e-file');
  await writeFile(join(clean.home, 'e-file.tgz'), tarball);
  const answer = await world.judge('./e-file.tgz', { clean, args: ['--history'] });
  assert.deepEqual([answer.history, finding(answer, 'history-unavailable').severity], [[], 'info']);
  assert.equal((await world.judge(spec, { args: ['--history'] })).history.length, 0);
});

test('reproduce() takes history, and refuses what is no number of versions', async (t) => {
  const clean = await world.home();
  t.after(() => clean.remove());
  await line('e-api', 2);
  process.env.GIT_CONFIG_GLOBAL = world.host.gitconfig;
  t.after(() => delete process.env.GIT_CONFIG_GLOBAL);
  const options = { registry: world.registry.url, cacheDir: clean.cacheDir, cwd: clean.home };
  const result = await reproduce('e-api@1.1.0', { ...options, history: true });
  assert.deepEqual(result.history.map(({ version }) => version), ['1.0.0']);
  assert.equal((await reproduce('e-api@1.1.0', { ...options, history: false })).history, null);
  for (const history of [-1, 1.5, 'x', 1e9]) {
    await assert.rejects(reproduce('e-api@1.1.0', { ...options, history }), { code: 'usage' }, String(history));
  }
});

/** The files of a small tarball, without their first folder. */
async function unpack(tarball) {
  const files = {};
  await new Promise((resolve, reject) => {
    const parser = new Parser({
      onReadEntry: (entry) => {
        const chunks = [];
        entry.on('data', (chunk) => chunks.push(chunk)).on('end', () => {
          files[entry.path.replace(/^[^/]+\//, '')] = Buffer.concat(chunks);
        });
      },
    });
    parser.on('end', resolve).on('error', reject);
    parser.end(tarball);
  });
  return files;
}
