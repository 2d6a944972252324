// The whole way with nothing made up: a git checkout, the real `npm publish`, a real registry, and
// then this program.

import assert from 'node:assert/strict';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { startGitHost } from './kit/githost.mjs';
import { git } from './kit/history.mjs';
import { startVerdaccio } from './kit/verdaccio.mjs';
import { manifest, openWorld } from './world.mjs';

let world;
let verdaccio;
let host;
let root;
before(async () => {
  [world, verdaccio, host] = await Promise.all([openWorld(), startVerdaccio(), startGitHost()]);
  root = await mkdtemp(join(tmpdir(), 'publish-'));
});
after(async () => {
  await Promise.all([world.close(), verdaccio.close(), host.close()]);
  await rm(root, { recursive: true });
});

/**
 * Puts up a repository, clones it, publishes from the clone, and judges what the registry then
 * serves.
 */
async function published(name, files, { folder = '', tags, change, args = [], spec = `${name}@1.0.0` } = {}) {
  const repository = `kit/${name.split('/').at(-1)}`;
  const ids = await host.add(repository, { commits: [{ label: 'c', files }], tags });
  const checkout = join(root, name.replace(/\W/g, '-'));
  await git(['clone', '-q', host.directory(repository), checkout]);
  await change?.(checkout);
  await verdaccio.publish(join(checkout, folder), ...args);
  const answer = await world.judge(spec, { registry: verdaccio, gitconfig: host });
  return { answer, ids };
}

test('npm publish from a checkout: identical, by gitHead alone', async () => {
  const { answer, ids } = await published('p-plain', { 'package.json': manifest('p-plain'), 'index.js': 'x\n', 'README.md': '# x\n', LICENSE: 'MIT\n' });
  assert.deepEqual([answer.verdict, answer.origin.commit], ['identical', ids.c], JSON.stringify(answer.comparison));
});

test('npm publish of a scoped package with files, bins, modes and ignore rules: identical', async () => {
  const files = {
    'package.json': manifest('@p-scope/rules', '1.0.0', { files: ['lib', 'bin/*.js'], bin: { rules: 'bin/cli.js' }, main: 'lib/index.js' }),
    'lib/index.js': 'x\n', 'lib/.npmignore': 'private\n', 'lib/private/a.js': 'a\n', 'lib/deep/b.js': 'b\n', 'lib/ümläut.js': 'u\n',
    'bin/cli.js': '#!/usr/bin/env node\n', 'bin/run.sh': { data: '#!/bin/sh\n', mode: 0o755 },
    'lib/exec.sh': { data: '#!/bin/sh\n', mode: 0o755 }, 'test/t.js': 't\n', '.gitignore': 'node_modules\n', '.npmrc': 'audit=false\n',
    'README.md': '# x\n', 'package-lock.json': '{"lockfileVersion":3}\n',
  };
  const { answer } = await published('@p-scope/rules', files, { args: ['--access', 'public'] });
  assert.equal(answer.verdict, 'identical', JSON.stringify(answer.comparison));
});

test('npm publish from a folder of a monorepo: identical, and the folder is found', async () => {
  const files = {
    'package.json': manifest('p-root', '0.0.0', { private: true }),
    'packages/one/package.json': manifest('p-mono', '1.0.0', { repository: { type: 'git', url: 'git+https://github.com/kit/p-mono.git', directory: 'packages/one' } }),
    'packages/one/index.js': 'one\n',
    'packages/two/package.json': manifest('p-two'),
    'packages/two/index.js': 'two\n',
  };
  const { answer } = await published('p-mono', files, { folder: 'packages/one' });
  assert.deepEqual([answer.verdict, answer.origin.directory], ['identical', 'packages/one'], JSON.stringify(answer.comparison));
});

test('npm publish with a file that is not committed: differs, and the file is named', async () => {
  const { answer } = await published('p-dirty', { 'package.json': manifest('p-dirty'), 'index.js': 'x\n' }, {
    change: (checkout) => writeFile(join(checkout, 'secret.env'), 'TOKEN=1\n'),
  });
  assert.deepEqual([answer.verdict, answer.comparison.onlyPublished], ['differs', ['secret.env']]);
});

test('npm publish with a mode that is not committed: differs, and the file is named', async () => {
  const { answer } = await published('p-mode', { 'package.json': manifest('p-mode'), 'index.js': 'x\n', 'run.sh': '#!/bin/sh\n' }, {
    change: (checkout) => chmod(join(checkout, 'run.sh'), 0o755),
  });
  assert.deepEqual([answer.verdict, answer.comparison.changed.map(({ path, kind }) => [path, kind])], ['differs', [['run.sh', 'mode']]]);
});

test('npm publish from a commit that was never pushed: no-source', async () => {
  const { answer } = await published('p-unpushed', { 'package.json': manifest('p-unpushed', '0.9.0'), 'index.js': 'x\n' }, {
    change: async (checkout) => {
      await writeFile(join(checkout, 'package.json'), manifest('p-unpushed'));
      await git(['-C', checkout, '-c', 'user.name=k', '-c', 'user.email=k@example.test', 'commit', '-qam', '1.0.0']);
    },
  });
  assert.equal(answer.reproduced, false);
  assert.deepEqual([answer.verdict, answer.code], ['no-source', 'commit-not-found'], JSON.stringify(answer.evidence));
});

test('npm publish with a prepack script that makes files, to a registry without Node: a build is needed, and has no tools', async () => {
  const files = {
    'package.json': manifest('p-built', '1.0.0', { files: ['dist', 'src'], scripts: { prepack: "node -e \"require('fs').mkdirSync('dist');require('fs').writeFileSync('dist/a.js','built')\"" } }),
    'src/a.js': 'a\n',
    '.gitignore': 'dist\n',
  };
  const { answer } = await published('p-built', files);
  assert.deepEqual([answer.verdict, answer.code, answer.comparison.onlyPublished], ['unsupported', 'toolchain-not-published', ['dist/a.js']]);
  assert.match(answer.hints.join(), /--node/);
});

test('the latest tag after a second publish leads to the second version', async () => {
  const name = 'p-twice';
  const ids = await host.add(`kit/${name}`, {
    commits: [{ label: 'one', files: { 'package.json': manifest(name), 'index.js': '1\n' } }, { label: 'two', files: { 'package.json': manifest(name, '1.1.0'), 'index.js': '2\n' } }],
    tags: { 'v1.0.0': 'one', 'v1.1.0': 'two' },
  });
  const checkout = join(root, name);
  await git(['clone', '-q', host.directory(`kit/${name}`), checkout]);
  for (const tag of ['v1.0.0', 'v1.1.0']) {
    await git(['-C', checkout, '-c', 'advice.detachedHead=false', 'checkout', '-q', tag]);
    await verdaccio.publish(checkout);
  }
  for (const [spec, version, label] of [[name, '1.1.0', 'two'], [`${name}@1.0.0`, '1.0.0', 'one'], [`${name}@~1.0`, '1.0.0', 'one']]) {
    const answer = await world.judge(spec, { registry: verdaccio, gitconfig: host });
    assert.deepEqual([answer.package.version, answer.verdict, answer.origin.commit], [version, 'identical', ids[label]]);
  }
});
