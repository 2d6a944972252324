// A build sees the objects of its own commit: not those of pull requests, of other branches, or of
// what was judged before.

import assert from 'node:assert/strict';
import { assertNotReproduced, attack, manifest, SEATS, setUp } from './kit.mjs';

setUp();

const PAYLOAD = "console.log('payload that the commit does not have');\n";

/** A script that looks for the payload among all objects that git knows, and packs it. */
const SEARCH = `
const { execFileSync } = require('child_process');
const fs = require('fs');
const git = (...words) => execFileSync('git', words, { stdio: ['ignore', 'pipe', 'ignore'] }).toString();
let text = 'nothing';
try {
  for (const line of git('cat-file', '--batch-all-objects', '--batch-check').split('\\n')) {
    const [id, kind] = line.split(' ');
    if (!id) continue;
    const found = git('cat-file', kind, id).split('\\n\\n').slice(1).join('\\n\\n');
    if (found.startsWith('console')) text = found;
    const blob = kind === 'blob' ? git('cat-file', 'blob', id) : '';
    if (blob.startsWith('console')) text = blob;
  }
} catch {}
fs.mkdirSync('dist', { recursive: true });
fs.writeFileSync('dist/a.js', text);
`;

const source = (id, version = '1.0.0', script = SEARCH) => ({
  'package.json': manifest(id, version, { scripts: { build: 'node build.js' }, files: ['dist', 'index.js'] }),
  'build.js': script,
  'index.js': `honest ${version}\n`,
  '.gitignore': 'dist\n',
});
const published = (files, dist) => ({ 'package.json': files['package.json'], 'index.js': files['index.js'], 'dist/a.js': dist });

attack(
  'a pull request that gitHead names is no part of the commit',
  async ({ world, id, judge }) => {
    const files = source(id);
    const commits = [{ label: 'good', files }, { label: 'fork', parents: [], clear: true, files: { x: 'x\n' }, message: PAYLOAD }];
    const ids = await world.host.add(`kit/${id}`, { commits, branches: { main: 'good' }, tags: { 'v1.0.0': 'good' }, refs: { 'refs/pull/1/head': 'fork' } });
    await world.registry.publish({ files: published(files, PAYLOAD), gitHead: ids.fork });
    assertNotReproduced(await judge(`${id}@1.0.0`));
  },
  { seats: SEATS },
);

attack('what was judged before brings nothing along', async ({ world, id, judge }) => {
  const [first, second] = [{ ...source(id, '1.0.0'), 'payload.txt': PAYLOAD }, source(id, '2.0.0')];
  const commits = [{ label: 'a', files: first }, { label: 'b', files: second, clear: true }];
  const ids = await world.host.add(`kit/${id}`, { commits, tags: { 'v1.0.0': 'a', 'v2.0.0': 'b' } });
  await world.registry.publish({ files: { ...published(first, 'x'), 'payload.txt': PAYLOAD }, gitHead: ids.a });
  await world.registry.publish({ files: published(second, PAYLOAD), gitHead: ids.b });
  const { clean } = await judge(`${id}@1.0.0`);
  assertNotReproduced(await judge(`${id}@2.0.0`, { clean }));
});

attack('a file of another branch that gitHead names is no part of the commit', async ({ world, id, judge }) => {
  const files = source(id);
  const commits = [{ label: 'good', files }, { label: 'other', clear: true, files: { 'package.json': manifest(id, '9.9.9'), 'payload.txt': PAYLOAD } }];
  const ids = await world.host.add(`kit/${id}`, { commits, branches: { main: 'good', other: 'other' }, tags: { 'v1.0.0': 'good' } });
  await world.registry.publish({ files: published(files, PAYLOAD), gitHead: ids.other });
  assertNotReproduced(await judge(`${id}@1.0.0`));
});

attack(
  'an honest build that asks git is identical, whoever runs it',
  async ({ world, id, judge }) => {
    const script = `
const { execFileSync } = require('child_process');
const fs = require('fs');
const git = (...words) => execFileSync('git', words).toString().trim();
const said = [git('rev-parse', 'HEAD'), git('describe', '--tags', '--exact-match'), git('log', '-1', '--format=%ct'), git('cat-file', '-p', 'HEAD:index.js')];
fs.mkdirSync('dist', { recursive: true });
fs.writeFileSync('dist/a.js', JSON.stringify(said));
`;
    const files = source(id, '1.0.0', script);
    const ids = await world.host.add(`kit/${id}`, { commits: [{ label: 'c', files, date: '2024-05-01T10:00:00Z' }], tags: { 'v1.0.0': 'c' } });
    const { execFileSync } = await import('node:child_process');
    const time = execFileSync('git', ['-C', world.host.directory(`kit/${id}`), 'log', '-1', '--format=%ct', ids.c]).toString().trim();
    await world.registry.publish({ files: published(files, JSON.stringify([ids.c, 'v1.0.0', time, 'honest 1.0.0'])), gitHead: ids.c });
    const answer = await judge(`${id}@1.0.0`);
    assert.equal(answer.verdict, 'identical', JSON.stringify(answer.attempts));
  },
  { seats: SEATS },
);

for (const ref of ['refs/stash', 'refs/notes/commits', 'refs/pull/1/head', 'refs/original/refs/heads/main', 'refs/replace/0000']) {
  attack(`of a local repository ${ref} does not count`, async ({ world, id, judge, home }) => {
    const { execFileSync } = await import('node:child_process');
    const honest = { 'package.json': manifest(id, '0.9.0'), 'index.js': 'old\n' };
    const payload = { 'package.json': manifest(id, '1.0.0'), 'index.js': PAYLOAD };
    const commits = [{ label: 'old', files: honest }, { label: 'new', files: payload }];
    const ids = await world.host.add(`kit/${id}`, { commits, branches: { main: 'old' }, refs: { 'refs/elsewhere': 'new' } });
    const clean = await home();
    const local = `${clean.home}/local`;
    execFileSync('git', ['clone', '--quiet', '--bare', world.host.directory(`kit/${id}`), local]);
    const fetched = ref === 'refs/replace/0000' ? `refs/replace/${ids.old}` : ref;
    execFileSync('git', ['-C', local, 'fetch', '--quiet', 'origin', `refs/elsewhere:${fetched}`]);
    await world.registry.publish({ files: payload, gitHead: ids.new });
    const answer = await judge(`${id}@1.0.0`, { clean, args: ['--source', local] });
    assertNotReproduced(answer);
    // The same with a branch there: it is the user's word then.
    execFileSync('git', ['-C', local, 'update-ref', 'refs/heads/mine', ids.new]);
    assert.equal((await judge(`${id}@1.0.0`, { clean, args: ['--source', local] })).verdict, 'identical');
  });
}
