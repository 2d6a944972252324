// Dependencies on git repositories, as each client's lockfile has them: the build gets what is in
// the repository at the locked commit.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import * as tar from 'tar';
import { manifest, openWorld } from './world.mjs';

const CLIENTS = fileURLToPath(new URL('conformance/node_modules/', import.meta.url));

let world;
let clean;
before(async () => {
  world = await openWorld({ builds: true });
  // All before the first build: what a registry has is remembered.
  for (const folder of FOLDERS.filter((name) => existsSync(CLIENTS + name))) await put(folder);
  clean = await world.home();
});
after(() => world.close());

const FOLDERS = ['npm-6', 'pnpm-8', 'pnpm-9', 'pnpm-10', 'pnpm-11', 'yarn-1', 'berry-3', 'berry-4', '@oven/bun-linux-x64'];
/** The versions of the clients that are in the registry. */
const versions = {};

/** Puts a client of the conformance folder into the registry. */
async function put(folder) {
  const inside = JSON.parse(await readFile(`${CLIENTS}${folder}/package.json`, 'utf8'));
  const tarball = await tar.create({ cwd: `${CLIENTS}${folder}`, portable: true, gzip: { level: 1 }, prefix: 'package' }, ['.']).concat();
  await world.registry.publish({ name: inside.name, version: inside.version, manifest: inside, tarball });
  versions[folder] = inside.version;
}

const BUILD = "node -e \"require('fs').mkdirSync('dist',{recursive:true});require('fs').writeFileSync('dist/a.js',require('g-dep'))\"";

/** A repository with two commits of a dependency; `ids.old` is what the lockfiles have. */
function dependency(id, { json = {}, old = {}, ...more } = {}) {
  const files = { 'package.json': manifest('g-dep', '1.0.0', { repository: null, ...json }), 'index.js': "module.exports = 'built';\n", ...old };
  return world.host.add(`kit/${id}-dep`, {
    commits: [{ label: 'old', files }, { label: 'new', files: { 'index.js': "module.exports = 'moved';\n" } }],
    ...more,
  });
}

/** Judges a package whose build writes what its dependency says. */
async function judged(id, { wanted = `github:kit/${id}-dep`, json = {}, files = {}, made = 'built' } = {}) {
  const { spec } = await world.release(id, {
    json: { scripts: { build: BUILD }, files: ['dist', 'index.js'], devDependencies: { 'g-dep': wanted }, ...json },
    files: { '.gitignore': 'dist\nnode_modules\n', ...files },
    published: { '.gitignore': null, 'dist/a.js': made, ...Object.fromEntries(Object.keys(files).map((file) => [file, null])) },
  });
  return world.judge(spec, { clean, args: ['--force'] });
}

/** Fails unless the build came out with what the repository has at the commit. */
function assertFromGit(answer, id, commit) {
  assert.equal(answer.verdict, 'identical', JSON.stringify({ findings: answer.findings, attempts: answer.attempts }, null, 1));
  const { resolved } = answer.attempts.find(({ verdict }) => verdict === 'identical');
  assert.ok(resolved.some((line) => line.startsWith(`g-dep@git+https://github.com/kit/${id}-dep#${commit} sha512-`)), JSON.stringify(resolved));
  assert.ok(!answer.findings.some(({ code }) => code === 'dependency-stood-in'), JSON.stringify(answer.findings));
}

const found = (answer, code) => answer.findings.find((finding) => finding.code === code);
const ssh = (id, commit) => `git+ssh://git@github.com/kit/${id}-dep.git#${commit}`;

for (const lockfileVersion of [2, 3]) {
  test(`a lockfile ${lockfileVersion} of npm's`, async () => {
    const id = `g-npm-${lockfileVersion}`;
    const ids = await dependency(id);
    const lock = {
      name: id, version: '1.0.0', lockfileVersion, requires: true,
      packages: {
        '': { name: id, version: '1.0.0', devDependencies: { 'g-dep': `github:kit/${id}-dep` } },
        'node_modules/g-dep': { version: '1.0.0', resolved: ssh(id, ids.old), dev: true },
      },
      ...(lockfileVersion === 2 && { dependencies: { 'g-dep': { version: ssh(id, ids.old), dev: true, from: `g-dep@github:kit/${id}-dep` } } }),
    };
    assertFromGit(await judged(id, { files: { 'package-lock.json': JSON.stringify(lock) } }), id, ids.old);
  });
}

test("a lockfile 1 of npm's", { skip: !existsSync(`${CLIENTS}npm-6`) && 'npm ci in __test__/conformance' }, async () => {
  const id = 'g-npm-1';
  const ids = await dependency(id);
  const lock = { name: id, version: '1.0.0', lockfileVersion: 1, requires: true, dependencies: { 'g-dep': { version: `github:kit/${id}-dep#${ids.old}`, from: `github:kit/${id}-dep`, dev: true } } };
  const packageManager = `npm@${versions['npm-6']}`;
  assertFromGit(await judged(id, { json: { packageManager }, files: { 'package-lock.json': JSON.stringify(lock) } }), id, ids.old);
});

for (const folder of ['pnpm-8', 'pnpm-9', 'pnpm-10', 'pnpm-11']) {
  const needsNode = folder === 'pnpm-11' && Number.parseInt(process.versions.node, 10) < 22 && 'pnpm 11 needs Node 22';
  test(`a lockfile of ${folder}`, { skip: needsNode || (!existsSync(CLIENTS + folder) && 'npm ci in __test__/conformance') }, async () => {
    const id = `g-${folder}`;
    const ids = await dependency(id);
    const packageManager = `pnpm@${versions[folder]}`;
    const at = `https://codeload.github.com/kit/${id}-dep/tar.gz/${ids.old}`;
    const six = `lockfileVersion: '6.0'\n\nsettings:\n  autoInstallPeers: true\n  excludeLinksFromLockfile: false\n\ndevDependencies:\n  g-dep:\n    specifier: github:kit/${id}-dep\n    version: github.com/kit/${id}-dep/${ids.old}\n\npackages:\n\n  github.com/kit/${id}-dep/${ids.old}:\n    resolution: {tarball: ${at}}\n    name: g-dep\n    version: 1.0.0\n    dev: true\n`;
    const nine = `lockfileVersion: '9.0'\n\nsettings:\n  autoInstallPeers: true\n  excludeLinksFromLockfile: false\n\nimporters:\n\n  .:\n    devDependencies:\n      g-dep:\n        specifier: github:kit/${id}-dep\n        version: ${at}\n\npackages:\n\n  g-dep@${at}:\n    resolution: {tarball: ${at}}\n    version: 1.0.0\n\nsnapshots:\n\n  g-dep@${at}: {}\n`;
    const answer = await judged(id, { json: { packageManager }, files: { 'pnpm-lock.yaml': folder === 'pnpm-8' ? six : nine } });
    assertFromGit(answer, id, ids.old);
    const { steps } = answer.attempts.find(({ verdict }) => verdict === 'identical');
    assert.match(steps[0].name, /frozen/, 'the lockfile is kept to');
  });
}

test('a lockfile of yarn 1', { skip: !existsSync(`${CLIENTS}yarn-1`) && 'npm ci in __test__/conformance' }, async () => {
  const id = 'g-yarn-1';
  const ids = await dependency(id);
  const packageManager = `yarn@${versions['yarn-1']}`;
  const lock = `# THIS IS AN AUTOGENERATED FILE. DO NOT EDIT THIS FILE DIRECTLY.\n# yarn lockfile v1\n\n\n"g-dep@github:kit/${id}-dep":\n  version "1.0.0"\n  resolved "https://codeload.github.com/kit/${id}-dep/tar.gz/${ids.old}"\n`;
  assertFromGit(await judged(id, { json: { packageManager }, files: { 'yarn.lock': lock } }), id, ids.old);
});

for (const folder of ['berry-3', 'berry-4']) {
  test(`a lockfile of ${folder}`, { skip: !existsSync(CLIENTS + folder) && 'npm ci in __test__/conformance' }, async () => {
    // Its own entry comes behind the dependency's, as yarn sorts them.
    const id = `y-${folder}`;
    const ids = await dependency(id);
    const packageManager = `yarn@${versions[folder]}`;
    const [version, key] = folder === 'berry-3' ? [6, 8] : [8, '10c0'];
    const entry = (name, more) => `"${name}":\n  version: ${more}\n`;
    const lock = `# This file is generated by running "yarn install" inside your project.\n# Manual changes might be lost - proceed with caution!\n\n__metadata:\n  version: ${version}\n  cacheKey: ${key}\n\n${entry(`g-dep@github:kit/${id}-dep`, `1.0.0\n  resolution: "g-dep@https://github.com/kit/${id}-dep.git#commit=${ids.old}"\n  checksum: ${folder === 'berry-3' ? '' : '10c0/'}${'0'.repeat(128)}\n  languageName: node\n  linkType: hard`)}\n${entry(`${id}@workspace:.`, `0.0.0-use.local\n  resolution: "${id}@workspace:."\n  dependencies:\n    g-dep: "github:kit/${id}-dep"\n  languageName: unknown\n  linkType: soft`)}`;
    const answer = await judged(id, { json: { packageManager }, files: { 'yarn.lock': lock, '.yarnrc.yml': 'nodeLinker: node-modules\n' } });
    assertFromGit(answer, id, ids.old);
    assert.equal(answer.attempts.find(({ verdict }) => verdict === 'identical').steps[0].exit, 0, 'the lockfile is kept to');
  });
}

test('a lockfile of bun', { skip: !existsSync(`${CLIENTS}@oven/bun-linux-x64`) && 'npm ci in __test__/conformance' }, async () => {
  const id = 'g-bun';
  const ids = await dependency(id);
  const version = versions['@oven/bun-linux-x64'];
  await world.registry.publish({ files: { 'package.json': JSON.stringify({ name: 'bun', version }) } });
  const wanted = `github:kit/${id}-dep`;
  const lock = `{\n  "lockfileVersion": 1,\n  "workspaces": {\n    "": {\n      "name": "${id}",\n      "devDependencies": {\n        "g-dep": "${wanted}",\n      },\n    },\n  },\n  "packages": {\n    "g-dep": ["g-dep@${wanted}#${ids.old.slice(0, 7)}", {}, "kit-${id}-dep-${ids.old.slice(0, 7)}"],\n  }\n}\n`;
  assertFromGit(await judged(id, { json: { packageManager: `bun@${version}` }, files: { 'bun.lock': lock } }), id, ids.old);
});

test('without a lockfile the commit is the newest at the publication, and the result says so', async () => {
  const id = 'g-chosen';
  const ids = await dependency(id, {
    commits: [
      { label: 'old', files: { 'package.json': manifest('g-dep', '1.0.0', { repository: null }), 'index.js': "module.exports = 'built';\n" } },
      { label: 'new', date: '2100-01-01T00:00:00Z', files: { 'index.js': "module.exports = 'moved';\n" } },
    ],
  });
  const answer = await judged(id);
  assertFromGit(answer, id, ids.old);
  assert.match(found(answer, 'git-dependency-chosen').message, new RegExp(`${ids.old} \\(the newest commit of the default branch at `));
});

test('a tag of a range, and the dependency of a dependency', async () => {
  const id = 'g-range';
  const ids = await dependency(id, { tags: { 'v1.2.0': 'old', 'v2.0.0': 'new' } });
  await world.registry.publish({ files: { 'package.json': manifest('g-between', '1.0.0', { repository: null, dependencies: { 'g-dep': `github:kit/${id}-dep#semver:^1.0.0` } }) } });
  const answer = await judged(id, { json: { devDependencies: { 'g-between': '^1.0.0' } } });
  assertFromGit(answer, id, ids.old);
  assert.match(found(answer, 'git-dependency-chosen').message, /the tag v1\.2\.0, the highest in \^1\.0\.0/);
});

test('npm packs by package.json, and what it would have run first is told', async () => {
  const id = 'g-packed';
  const ids = await dependency(id, { json: { files: ['index.js'], scripts: { prepare: 'exit 1' } }, old: { 'left-out.js': '' } });
  const build = "node -e \"require('fs').mkdirSync('dist');require('fs').writeFileSync('dist/a.js',require('g-dep')+require('fs').readdirSync('node_modules/g-dep'))\"";
  const answer = await judged(id, { wanted: `github:kit/${id}-dep#${ids.old}`, json: { scripts: { build } }, made: 'builtindex.js,package.json' });
  assertFromGit(answer, id, ids.old);
  assert.match(found(answer, 'git-dependency-unprepared').message, new RegExp(`${ids.old} \\(prepare\\)`));
});

test('an empty package stands for what the host has lost, and the result says why', async () => {
  const id = 'g-lost';
  await dependency(id);
  const gone = 'f'.repeat(40);
  const build = "node -e \"require('fs').mkdirSync('dist');require('fs').writeFileSync('dist/a.js','built')\"";
  const answer = await judged(id, { wanted: `github:kit/${id}-dep#${gone}`, json: { scripts: { build } } });
  assert.equal(answer.verdict, 'identical', JSON.stringify(answer.attempts));
  assert.match(found(answer, 'dependency-stood-in').message, /g-dep@git by an empty package/);
  assert.match(found(answer, 'git-dependency-lost').message, new RegExp(`g-dep \\(.*${gone}`));
});
