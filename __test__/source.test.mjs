// --source with what lies on this machine: a repository, a folder, an archive. The package's own
// repository is not asked.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import * as tar from 'tar';
import { git } from './kit/history.mjs';
import { writeFiles } from './kit/tarball.mjs';
import { manifest, openWorld } from './world.mjs';

let world;
before(async () => {
  world = await openWorld();
});
after(() => world.close());

/**
 * A published package whose declared repository is not there, and a home with its files in
 * `source/`.
 */
async function published(name, change = {}) {
  const files = { 'package.json': manifest(name), 'index.js': `module.exports = '${name}';\n`, 'bin/x': { data: '#!/bin/sh\n', mode: 0o755 } };
  await world.registry.publish({ files });
  const clean = await world.home();
  await writeFiles(join(clean.home, 'source'), { ...files, ...change });
  return { spec: `${name}@1.0.0`, clean };
}

/** Judges with --source and expects a verdict. */
async function judged({ spec, clean }, source, verdict = 'identical') {
  const answer = await world.judge(spec, { clean, args: ['--source', source] });
  assert.equal(answer.verdict, verdict, JSON.stringify({ code: answer.code, evidence: answer.evidence, comparison: answer.comparison, findings: answer.findings }, null, 1));
  assert.ok(answer.findings.some(({ code }) => code === 'source-by-user'));
  return answer;
}

test('a folder is the source as it is, without what an installation put there', async () => {
  const at = await published('s-folder', { 'node_modules/other/index.js': 'x\n' });
  const answer = await judged(at, './source');
  assert.match(answer.origin.repository, /^file:.*\/source$/);
});

test('a folder that was changed is judged anew, whatever was stored', async () => {
  const at = await published('s-changed');
  await judged(at, './source');
  await writeFile(join(at.clean.home, 'source/index.js'), 'another\n');
  await judged(at, './source', 'differs');
});

for (const [ending, pack] of [['tar', (bytes) => bytes], ['tar.gz', gzipSync]]) {
  test(`an archive (${ending}) is unpacked, and the folder around the files left off`, async () => {
    const at = await published(`s-${ending.replace('.', '-')}`);
    const plain = join(at.clean.home, 'plain.tar');
    await tar.create({ file: plain, cwd: at.clean.home }, ['source']);
    await writeFile(join(at.clean.home, `source-1.0.${ending}`), pack(await readFile(plain)));
    await judged(at, `source-1.0.${ending}`);
  });
}

test('an archive compressed with xz, as distributions have them', async () => {
  const at = await published('s-xz');
  // Made once of the files of `published('s-xz')`: Node has no encoder of xz.
  await copyFile(new URL('fixtures/s-xz.tar.xz', import.meta.url), join(at.clean.home, 'x.orig.tar.xz'));
  await judged(at, './x.orig.tar.xz');
});

test('a git repository is read at a commit, a tag, or where the package fits', async () => {
  const at = await published('s-git');
  const cwd = join(at.clean.home, 'source');
  const by = ['-c', 'user.name=kit', '-c', 'user.email=kit@localhost'];
  await git(['init', '-q', '-b', 'main'], { cwd });
  await git(['add', '-A'], { cwd });
  await git([...by, 'commit', '-q', '-m', 'one'], { cwd });
  await git(['tag', 'v1.0.0'], { cwd });
  const commit = await git(['rev-parse', 'HEAD'], { cwd });
  await writeFile(join(cwd, 'index.js'), 'later\n');
  await git([...by, 'commit', '-q', '-a', '-m', 'two'], { cwd });
  assert.equal((await judged(at, './source')).origin.commit, commit);
  assert.equal((await judged(at, './source#v1.0.0')).origin.commit, commit);
  await judged(at, './source#main', 'differs');
});

test('a clone with a pipe where git has a file is refused, and not waited for', { skip: process.platform === 'win32' && 'there are no pipes' }, async () => {
  const at = await published('s-pipe');
  const cwd = join(at.clean.home, 'source');
  await git(['init', '-q', '-b', 'main'], { cwd });
  await git(['add', '-A'], { cwd });
  await git(['-c', 'user.name=kit', '-c', 'user.email=kit@localhost', 'commit', '-q', '-m', 'one'], { cwd });
  const args = ['--source', './source', '--force'];
  assert.equal((await world.judge(at.spec, { clean: at.clean, args })).verdict, 'identical', 'the control');
  execFileSync('mkfifo', [join(cwd, '.git/packed-refs')]);
  const answer = await world.judge(at.spec, { clean: at.clean, args });
  assert.deepEqual([answer.verdict, answer.code], ['error', 'source-unreadable'], JSON.stringify(answer));
  assert.match(answer.message, /packed-refs: it is a device or a pipe and no file/);
});

test('what is not there or is no archive is the user\'s error, with a hint', async () => {
  const at = await published('s-none');
  for (const source of ['./nothing', './odd.tar.gz', './odd.zip.tgz']) {
    if (source !== './nothing') await writeFile(join(at.clean.home, source), source.includes('zip') ? 'PK\x03\x04....' : 'not an archive');
    const answer = await world.judge(at.spec, { clean: at.clean, args: ['--source', source] });
    assert.deepEqual([answer.verdict, answer.code, answer.stage], ['error', 'source-unreadable', 'usage'], source);
    assert.match(answer.hints.join(' '), /tar archive/);
  }
});

test('a path that leads out of an archive is refused', async () => {
  const at = await published('s-out');
  await mkdir(join(at.clean.home, 'in'));
  await writeFile(join(at.clean.home, 'evil'), 'x');
  await tar.create({ file: join(at.clean.home, 'evil.tar'), cwd: join(at.clean.home, 'in'), preservePaths: true }, ['../evil']);
  const answer = await world.judge(at.spec, { clean: at.clean, args: ['--source', './evil.tar'] });
  assert.deepEqual([answer.verdict, answer.code], ['error', 'source-unreadable']);
});
