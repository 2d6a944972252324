// What the program prints can be typed: every name of a source in an output is accepted as an
// input, and a name that leads nowhere is told with the nearest.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { run } from './kit/cli.mjs';
import { git, gitEnv } from './kit/history.mjs';
import { npmTarball } from './kit/tarball.mjs';
import { manifest, openWorld } from './world.mjs';

let world;
let clean;
before(async () => {
  world = await openWorld();
  clean = await world.home();
});
after(() => world.close());

const judge = (spec, source) => world.judge(spec, { clean, args: ['--source', source, '--force'] });

test('the source line of the report is a source', async () => {
  const { spec, ids } = await world.release('p-line');
  const report = await run([spec], { env: clean.env, cwd: clean.home });
  const [, source] = /^ {2}source {5}(\S+)/m.exec(report.stdout);
  assert.match(source, /#[0-9a-f]{12}$/);
  const answer = await judge(spec, source);
  assert.deepEqual([answer.verdict, answer.origin?.commit], ['identical', ids.c]);
});

test('what the report says to do next shows why it differs, also of a tarball that the registry has otherwise', async () => {
  const { spec } = await world.release('p-next', { published: { 'index.js': 'published\n' } });
  const tarball = await npmTarball({ 'package.json': manifest('p-next'), 'index.js': 'another\n' });
  await writeFile(join(clean.home, 'p-next.tgz'), tarball);
  for (const [asked, shows] of [[spec, /^-published$/m], ['./p-next.tgz', /^-another$/m]]) {
    const report = await run([asked], { env: clean.env, cwd: clean.home });
    const [, next] = /^ {2}next: reproduce (.*) \| --verbose \| --json$/m.exec(report.stdout) ?? assert.fail(report.stdout + report.stderr);
    assert.equal(next, `${asked} --diff`);
    const again = await run(next.split(' '), { env: clean.env, cwd: clean.home });
    assert.match(again.stdout, shows);
  }
});

test('what the report says to do next names the source, the registry and what else was given', async () => {
  const { spec } = await world.release('p-given', { published: { 'index.js': 'published\n' } });
  const own = join(clean.home, 'it is here');
  await git(['clone', '-q', world.host.directory('kit/p-given'), own]);
  const given = ['--source', './it is here', '--registry', world.registry.url, '--strategy', 'source'];
  const report = await run([spec, ...given], { env: { ...clean.env, npm_config_registry: 'http://127.0.0.1:1/' }, cwd: clean.home });
  const [, next] = /^ {2}next: reproduce (.*) \| --verbose \| --json$/m.exec(report.stdout) ?? assert.fail(report.stdout + report.stderr);
  assert.equal(next, `${spec} --registry ${world.registry.url} --source './it is here' --strategy source --diff`);
  const words = next.match(/'[^']*'|\S+/g).map((word) => word.replaceAll("'", ''));
  const again = await run(words, { env: { ...clean.env, npm_config_registry: 'http://127.0.0.1:1/' }, cwd: clean.home });
  assert.match(again.stdout, /^-published$/m);
});

test('a commit by its first digits, a reference in full and a folder behind it are sources', async () => {
  const name = 'p-folder';
  const inside = { 'package.json': manifest(name, '1.0.0', { repository: 'github:kit/p-folder' }), 'index.js': 'inside\n' };
  const nested = Object.fromEntries(Object.entries(inside).map(([path, data]) => [`packages/a/${path}`, data]));
  const ids = await world.host.add(`kit/${name}`, { commits: [{ label: 'c', files: { 'package.json': '{}\n', ...nested } }], tags: { 'v1.0.0': 'c' } });
  await world.registry.publish({ files: inside });
  const first = await world.judge(`${name}@1.0.0`, { clean });
  assert.equal(first.verdict, 'identical');
  assert.match(first.source.spec, /#[0-9a-f]{40}::path:packages\/a$/);
  const url = 'https://github.com/kit/p-folder';
  // An id of four digits is the shortest that git takes.
  for (const source of [first.source.spec, `${url}#${ids.c.slice(0, 4)}`, `${url}#${ids.c.slice(0, 20).toUpperCase()}`, `${url}#${first.origin.ref}`, `${url}#v1.0.0::path:/packages/a`, `${url}#heads/main`, `github:kit/p-folder#main`]) {
    const answer = await judge(`${name}@1.0.0`, source);
    assert.deepEqual([answer.verdict, answer.origin?.commit, answer.origin?.directory], ['identical', ids.c, 'packages/a'], source);
  }
});

test('a tag, branch or commit that is not there is named, with the nearest that are', async () => {
  const { spec } = await world.release('p-near');
  for (const [wanted, near] of [['1.0.0', /there are: v1\.0\.0/], ['mian', /there are: main/], ['0123456789ab', /name a tag/], ['0'.repeat(39) + '1', /name a tag/]]) {
    const answer = await judge(spec, `https://github.com/kit/p-near#${wanted}`);
    assert.deepEqual([answer.verdict, answer.code], ['no-source', 'reference-not-found'], wanted);
    const { message } = answer.findings.find(({ code }) => code === 'reference-not-found');
    assert.ok(message.includes(`"${wanted}"`) && message.includes('https://github.com/kit/p-near'), message);
    assert.match(answer.hints.join('\n'), near);
  }
});

test('a clone on this machine has the same names, and digits of several commits are refused', async () => {
  const { spec, files } = await world.release('p-clone');
  const cwd = join(clean.home, 'clone.git');
  await git(['init', '-q', '--bare', '-b', 'main', cwd], { cwd: clean.home });
  // Among so many commits two begin with the same four digits, whatever they are.
  const commits = Array.from({ length: 1500 }, (_, at) => {
    const blobs = at === 0 ? Object.entries(files).map(([path, data]) => `M 644 inline ${path}\ndata ${Buffer.byteLength(data)}\n${data}\n`).join('') : '';
    return `commit refs/heads/main\ncommitter Kit <kit@example.test> ${1_600_000_000 + at} +0000\ndata 1\nx\n${blobs}\n`;
  });
  execFileSync('git', ['fast-import', '--quiet'], { cwd, env: gitEnv(), input: commits.join('') });
  const ids = (await git(['rev-list', 'main'], { cwd })).split('\n');
  const beginnings = new Map();
  for (const id of ids) beginnings.set(id.slice(0, 4), [...(beginnings.get(id.slice(0, 4)) ?? []), id]);
  const [beginning, several] = [...beginnings].find(([, all]) => all.length > 1);
  const answer = await judge(spec, `./clone.git#${beginning}`);
  assert.deepEqual([answer.verdict, answer.code], ['no-source', 'reference-ambiguous']);
  assert.ok(answer.findings.some(({ message }) => message.includes(several[0])));
  const one = await judge(spec, `./clone.git#${several[0].slice(0, 12)}`);
  assert.deepEqual([one.verdict, one.origin.commit], ['identical', several[0]]);
  assert.equal((await judge(spec, './clone.git#nosuchtag')).code, 'reference-not-found');
});

test('a source that the user named and that is of no use is not laid to the package', async () => {
  const { spec } = await world.release('p-words');
  const away = await judge(spec, 'https://github.com/kit/p-nobody#1');
  assert.equal(away.code, 'repository-not-found');
  assert.match(away.hints.join('\n'), /check the address that --source names/);
  assert.doesNotMatch(away.hints.join('\n'), /the package declares/);
  const no = await judge(spec, 'ftp://example.test/x');
  assert.doesNotMatch(no.findings.map(({ message }) => message).join('\n'), /declared/);
});

for (const option of ['--source', '--strategy']) {
  test(`${option} without a value is a usage error`, async () => {
    const { ran, ...answer } = await world.judge('p-line@1.0.0', { clean, args: [option, ''] });
    assert.deepEqual([answer.verdict, answer.code, ran.code], ['error', 'usage', 2]);
    assert.equal(answer.message, `${option} is empty`);
  });
}
