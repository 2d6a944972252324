// The tarball is what the source gives, and the registry's metadata asks an installer for something
// else.

import assert from 'node:assert/strict';
import { gunzipSync, gzipSync } from 'node:zlib';
import { npmTarball } from '../../__test__/kit/tarball.mjs';
import { attack, findingOf, manifest, setUp } from './kit.mjs';

setUp({ builds: false });

/** Files as they are, for a package that has more than the default one. */
const CLI = { 'cli.js': '#!/usr/bin/env node\n', 'other.js': '// other\n' };

/** Publishes honest files with dishonest metadata, and says how the program answers. */
async function lied({ world, id, judge }, { json = {}, files = {}, lie, accept }) {
  const { spec } = await world.release(id, { json, files: { ...CLI, ...files }, publication: { manifest: lie } });
  return judge(spec, { accept });
}

function assertMismatch(answer, place) {
  assert.deepEqual([answer.verdict, answer.code, answer.reproduced, answer.ran.code], ['differs', 'manifest-mismatch', false, 1], JSON.stringify(answer.findings));
  assert.equal(findingOf(answer, 'manifest-mismatch').severity, 'error');
  const told = findingOf(answer, 'manifest-confusion');
  assert.equal(told.severity, 'error');
  assert.match(told.message, place);
  assert.deepEqual(answer.comparison.changed, [], 'the files are the source’s');
}

const EVIL = { 'r-evil': '1.0.0' };

/** A peer that package.json calls optional. */
const OPTIONAL = { peerDependencies: EVIL, peerDependenciesMeta: { 'r-evil': { optional: true } } };
const INSIDE = { 'node_modules/r-evil/package.json': manifest('r-evil', '1.0.0') };
const ANY = { dependencies: { 'r-evil': '*' }, bundleDependencies: undefined };

/** What is asked for, what package.json says, and how the finding names the place. */
const LIES = {
  'an optional peer by a text that reads like its object': [{ json: OPTIONAL, lie: { peerDependenciesMeta: { 'r-evil': '{"optional":true}' } } }, /peerDependenciesMeta: r-evil/],
  'any version of what all-bundled has inside': [{ json: { bundleDependencies: true, dependencies: EVIL }, files: INSIDE, lie: ANY }, /dependencies: r-evil/],
  'any version of what an object bundles': [{ json: { bundleDependencies: { 'r-evil': true } }, lie: ANY }, /dependencies: r-evil/],
  'any version of what the other spelling bundles': [{ json: { bundledDependencies: { 'r-evil': '1' } }, lie: { ...ANY, bundledDependencies: undefined } }, /dependencies: r-evil/],
  'a script in the quotes of JSON': [{ json: { scripts: { postinstall: "echo '$(node x.js)'" } }, lie: { scripts: { postinstall: JSON.stringify("echo '$(node x.js)'") } } }, /scripts: postinstall/],
  'one of two commands of one name': [{ json: { bin: { 'x/run': 'other.js', run: 'cli.js' } }, lie: { bin: { run: 'cli.js' } } }, /bin: run/],
  'the other of two commands of one name': [{ json: { bin: ['a/run', 'b/run'] }, files: { 'a/run': '1\n', 'b/run': '2\n' }, lie: { bin: { run: 'a/run' } } }, /bin: run/],
  'a peer dependency': [{ lie: { peerDependencies: EVIL } }, /peerDependencies: r-evil \(the registry has "1\.0\.0", the tarball nothing\)/],
  'a dependency': [{ lie: { dependencies: EVIL } }, /dependencies: r-evil/],
  'an optional dependency': [{ lie: { optionalDependencies: EVIL } }, /optionalDependencies: r-evil/],
  'a dependency hidden behind an honest optional one': [
    { json: { optionalDependencies: { a: '1.0.0' } }, lie: { dependencies: { a: 'npm:r-evil@1.0.0' } } },
    /dependencies: a/,
  ],
  'another package under the name': [{ json: { dependencies: { a: '^1' } }, lie: { dependencies: { a: 'npm:r-evil@1' } } }, /dependencies: a \(the registry has "npm:r-evil@1", the tarball "\^1"\)/],
  'an address for a range': [{ json: { dependencies: { a: '^1' } }, lie: { dependencies: { a: 'https://evil.example/a.tgz' } } }, /dependencies: a/],
  'a git address for a range': [{ json: { dependencies: { a: '^1' } }, lie: { dependencies: { a: 'git+ssh://git@github.com/evil/a.git' } } }, /dependencies: a/],
  'a folder for a range': [{ json: { dependencies: { a: '^1' } }, lie: { dependencies: { a: 'file:../a' } } }, /dependencies: a/],
  'another commit': [{ json: { dependencies: { a: 'u/a#1' } }, lie: { dependencies: { a: 'github:u/a#2' } } }, /dependencies: a/],
  'a dependency less': [{ json: { dependencies: { a: '^1' } }, lie: { dependencies: {} } }, /dependencies: a \(the registry has nothing, the tarball "\^1"\)/],
  'dependencies as a list': [{ lie: { dependencies: ['r-evil@1'] } }, /dependencies: r-evil/],
  'a dependency called __proto__': [{ lie: JSON.parse('{"dependencies":{"__proto__":"npm:r-evil@1"}}') }, /dependencies: __proto__/],
  'a peer that is no longer optional': [
    { json: { peerDependencies: { a: '1' }, peerDependenciesMeta: { a: { optional: true } } }, lie: { peerDependenciesMeta: { a: { optional: false } } } },
    /peerDependenciesMeta: a/,
  ],
  'more ranges to accept': [{ lie: { acceptDependencies: { a: '*' } } }, /acceptDependencies: a/],
  'a build of a dependency switched off': [{ lie: { dependenciesMeta: { a: { built: false } } } }, /dependenciesMeta: a/],
  'a dependency that counts as bundled': [{ json: { dependencies: { a: '1' } }, lie: { bundleDependencies: ['a'] } }, /bundleDependencies/],
  'the same in the other spelling': [{ json: { dependencies: { a: '1' } }, lie: { bundledDependencies: ['a'] } }, /bundleDependencies/],
  'a tree of dependencies of its own (npm 3 to 6)': [{ lie: { _shrinkwrap: { dependencies: { 'r-evil': { version: '1.0.0' } } } } }, /_shrinkwrap/],
  'bundled files that are not there': [{ lie: { _bundled: ['r-evil'] } }, /_bundled/],
  'a setting for install scripts (npm 2, 3 and 11)': [{ json: { config: { host: 'good.example' } }, lie: { config: { host: 'evil.example' } } }, /config: host/],
  'another main file (npm 2 and 3)': [{ json: { main: 'cli.js' }, lie: { main: 'other.js' } }, /main/],
  'a flat installation (yarn 1)': [{ lie: { flat: true } }, /flat/],
  'a command at another file': [{ json: { bin: './cli.js' }, lie: { bin: { npm: 'cli.js' } } }, /bin: npm/],
  'a command of another name': [{ json: { bin: { a: 'cli.js' } }, lie: { bin: { a: 'other.js' } } }, /bin: a \(the registry has "other\.js", the tarball "cli\.js"\)/],
  'a folder of commands': [{ lie: { directories: { bin: './' } } }, /directories: bin/],
  'an install script': [{ lie: { scripts: { postinstall: 'node other.js' }, hasInstallScript: false } }, /scripts: postinstall/],
  'an install script less': [{ json: { scripts: { postinstall: 'node other.js' } }, lie: { scripts: {} } }, /scripts: postinstall/],
  'no install script, where there is one': [{ json: { scripts: { postinstall: 'node other.js' } }, lie: { hasInstallScript: false } }, /hasInstallScript/],
  'no build, where there is a binding.gyp': [{ files: { 'binding.gyp': '{}\n' }, lie: { gypfile: false } }, /gypfile/],
  'a script by a command of the package (npm 10 and 11, --before)': [
    { json: { bin: { 'node-gyp': 'other.js' } }, lie: { scripts: { install: 'node-gyp rebuild' }, gypfile: true } },
    /scripts: install/,
  ],
  'any version of what is bundled (yarn, pnpm, bun)': [
    {
      json: { dependencies: { x: '1.0.0' }, bundleDependencies: ['x'] },
      files: { 'node_modules/x/package.json': '{"name":"x","version":"1.0.0"}\n' },
      lie: { dependencies: { x: '*' } },
    },
    /dependencies: x/,
  ],
  'a web page for a repository': [{ json: { dependencies: { a: 'gitlab:u/r' } }, lie: { dependencies: { a: 'https://gitlab.com/u/r' } } }, /dependencies: a/],
  'another Node': [{ json: { engines: { node: '>=18' } }, lie: { engines: { node: '>=99' } } }, /engines: node/],
  'another system': [{ lie: { os: ['!linux'] } }, /os \(/],
  'another processor': [{ json: { cpu: ['x64'] }, lie: { cpu: ['arm64'] } }, /cpu \(/],
  'another C library': [{ lie: { libc: ['musl'] } }, /libc \(/],
  'a shrinkwrap that is not there': [{ lie: { _hasShrinkwrap: true } }, /_hasShrinkwrap/],
  'no shrinkwrap, where there is one': [{ files: { 'npm-shrinkwrap.json': '{}\n' }, lie: { _hasShrinkwrap: false } }, /_hasShrinkwrap/],
};

for (const [title, [how, place]] of Object.entries(LIES)) {
  attack(`metadata with ${title} is no reproduction`, async (at) => {
    assertMismatch(await lied(at, how), place);
  });
}

attack('the same under --accept identical, and for the same content in other bytes', async ({ world, id, judge }) => {
  const lie = { manifest: { peerDependencies: EVIL } };
  const { spec } = await world.release(id, { publication: lie });
  assertMismatch(await judge(spec, { accept: 'identical' }), /peerDependencies/);
  const files = { 'package.json': manifest(`${id}-b`), 'index.js': `module.exports = '${id}-b';\n` };
  const tarball = gzipSync(gunzipSync(await npmTarball(files)), { level: 1 });
  const other = await world.release(`${id}-b`, { publication: { ...lie, tarball } });
  assertMismatch(await judge(other.spec), /peerDependencies/);
});

attack('a range that leads past the version’s own document is held against the packument’s', async ({ world, id, judge }) => {
  await world.release(id, { publication: { manifest: { peerDependencies: EVIL } } });
  assertMismatch(await judge(`${id}@^1.0.0`), /peerDependencies: r-evil/);
});

attack('without a source the finding is there, and the verdict says that there is none', async ({ world, id, judge }) => {
  await world.registry.publish({ files: { 'package.json': manifest(id, '1.0.0', { repository: null }), 'index.js': '1\n' }, manifest: { dependencies: EVIL } });
  const answer = await judge(`${id}@1.0.0`);
  assert.deepEqual([answer.verdict, answer.ran.code], ['no-source', 2]);
  assert.match(findingOf(answer, 'manifest-confusion').message, /r-evil/);
});

attack('a tarball that fits one of two hashes is not the announced one', async ({ world, id, judge }) => {
  const { spec } = await world.release(id, { publication: { dist: { shasum: '0'.repeat(40) } } });
  const answer = await judge(spec);
  assert.deepEqual([answer.verdict, answer.code, answer.ran.code], ['differs', 'integrity-mismatch', 1]);
});

attack('metadata of megabytes and of a hundred thousand names is answered in bounded words', async (at) => {
  const many = Object.fromEntries(Array.from({ length: 100_000 }, (_, n) => [`p${n}-${'x'.repeat(20)}`, '1.0.0']));
  const answer = await lied(at, { lie: { peerDependencies: many } });
  assertMismatch(answer, /peerDependencies: p/);
  assert.ok(JSON.stringify(answer.findings).length < 20_000);
  assert.match(answer.findings.filter(({ code }) => code === 'manifest-confusion').at(-1).message, /more places/);
});

/** What clients and the registry do to an honest package.json. */
const HONEST = {
  'as it is': {},
  'a command’s path cleaned, by its name': { json: { bin: './cli.js' }, lie: (id) => ({ bin: { [id]: 'cli.js' } }) },
  'optional dependencies among the others': {
    json: { dependencies: { a: '1' }, optionalDependencies: { b: ' 2 ' } },
    lie: () => ({ dependencies: { a: '1', b: '2' }, optionalDependencies: { b: '2' } }),
  },
  'optional dependencies taken out of the others': {
    json: { dependencies: { a: '1', b: '2' }, optionalDependencies: { b: '2' } },
    lie: () => ({ dependencies: { a: '1' } }),
  },
  'the folder of commands written out': { json: { directories: { bin: './bin' } }, files: { 'bin/go.js': '1\n' }, lie: () => ({ bin: { 'go.js': 'bin/go.js' } }) },
  'one spelling of bundled': { json: { bundledDependencies: [] }, lie: () => ({ bundledDependencies: undefined, bundleDependencies: [] }) },
  'a build by node-gyp': { files: { 'binding.gyp': '{}\n' }, lie: () => ({ scripts: { install: 'node-gyp rebuild' }, gypfile: true, hasInstallScript: true }) },
  'a git address written out': { json: { dependencies: { a: 'u/a#1' } }, lie: () => ({ dependencies: { a: 'github:u/a#1' } }) },
  'deprecated afterwards, with its sizes': { lie: () => ({ deprecated: 'use b', _hasShrinkwrap: false, maintainers: [], directories: {}, readme: '# a' }) },
};

for (const [title, { json, files, lie = () => ({}) }] of Object.entries(HONEST)) {
  attack(`control: ${title}`, async (at) => {
    const answer = await lied(at, { json, files, lie: lie(at.id) });
    assert.deepEqual([answer.verdict, answer.code, answer.ran.code], ['identical', null, 0], JSON.stringify(answer.findings));
    assert.ok(!answer.findings.some(({ code }) => code.startsWith('manifest-')));
  });
}

attack('a field that stands twice, of which bun takes the first and npm the last, is not read', async ({ world, id, judge }) => {
  const { spec } = await world.release(id);
  const twice = (body) => Buffer.from(body.toString().replaceAll('"version":"1.0.0"', `"dependencies":${JSON.stringify(EVIL)},"dependencies":{},"version":"1.0.0"`));
  const versions = (body) => Buffer.from(body.toString().replace('"versions":', '"versions":{},"versions":'));
  const version = (body) => Buffer.from(body.toString().replace('"versions":{', '"versions":{"1.0.0":{},'));
  for (const [wrongBytes, asked] of [[twice, spec], [twice, `${id}@^1.0.0`], [versions, `${id}@^1.0.0`], [version, `${id}@^1.0.0`]]) {
    const honest = world.registry.fault({ on: (request) => request.path.startsWith(`/${id}`) && !request.path.includes('/-/'), wrongBytes });
    const answer = await judge(asked);
    honest();
    assert.deepEqual([answer.verdict, answer.code, answer.ran.code], ['error', 'invalid-metadata', 2], JSON.stringify(answer.findings));
  }
  assert.equal((await judge(spec)).verdict, 'identical', 'the control');
});
