// What is measured against: one package of a usual size, once with its commit in the registry, once
// found by tag, and once with files that only a build makes, for which everybody has to install and
// to build.

import { startGitHost } from '../__test__/kit/githost.mjs';
import { git } from '../__test__/kit/history.mjs';
import { random } from '../__test__/kit/random.mjs';
import { startRegistry } from '../__test__/kit/registry.mjs';
import { toolchain } from '../__test__/kit/toolchain.mjs';

const FILES = 60;
const BYTES_PER_FILE = 5_000;
const COMMITS = 400;
const COMMITS_PER_RELEASE = 10;
/**
 * What `npm install` finds: tools for tests and lint with what they depend on. A test runner and a
 * linter together bring about as many packages into most repositories (mocha 11 and eslint 9: some
 * 170).
 */
const DEV_DEPENDENCIES = Array.from({ length: 15 }, (_, nth) => `bench-dev-${nth}`);
const DEPENDENCIES_OF_EACH = 9;

/**
 * The packages; the release measured is the newest commit, as the existing tool's depth-1 clone can
 * reach no other.
 */
const PACKAGES = [
  { name: 'bench-known', repository: 'bench/known', gitHead: true },
  { name: 'bench-tagged', repository: 'bench/tagged', gitHead: false },
  { name: 'bench-built', repository: 'bench/built', gitHead: true, build: true },
  // Judged before the other where the programs of a build are to be there already.
  { name: 'bench-before', repository: 'bench/before', gitHead: true, build: true },
];

/** The build: it goes through the tool that it depends on, and npm runs it before it packs. */
const BUILD = `const { mkdirSync, readdirSync, readFileSync, writeFileSync } = require('node:fs');
const { upper } = require('bench-dev-0');
mkdirSync('dist', { recursive: true });
for (const name of readdirSync('lib')) writeFileSync('dist/' + name, upper(readFileSync('lib/' + name, 'utf8')));
`;
const TOOL = 'exports.upper = (text) => text.toUpperCase();\n';

/**
 * Starts a registry and a git host on loopback and fills both.
 * @param {number} latency milliseconds before each answer of either
 */
export async function openScene(latency) {
  const registry = await startRegistry();
  const githost = await startGitHost();
  const subjects = {};
  const tool = random(2);
  const publish = async (name, dependencies) => {
    const files = { 'package.json': JSON.stringify({ name, version: '1.0.0', main: 'file-0.js', dependencies }) };
    for (let i = 0; i < 10; i++) files[`file-${i}.js`] = i === 0 ? TOOL : tool.text(BYTES_PER_FILE);
    await registry.publish({ files });
  };
  for (const name of DEV_DEPENDENCIES) {
    const below = Array.from({ length: DEPENDENCIES_OF_EACH }, (_, nth) => `${name}-${nth}`);
    for (const dependency of below) await publish(dependency);
    await publish(name, Object.fromEntries(below.map((dependency) => [dependency, '^1.0.0'])));
  }
  for (const tools of await toolchain()) await registry.publish(tools);
  for (const { name, repository, gitHead, build } of PACKAGES) {
    const { history, files, version } = project(name, repository, build);
    const { [String(COMMITS - 1)]: commit } = await githost.add(repository, history);
    // As on a big host: deltas, and bitmaps to count objects by.
    await git(['--git-dir', githost.directory(repository), 'repack', '-adq', '--write-bitmap-index']);
    const { integrity, tarball } = await registry.publish({ files, gitHead: gitHead ? commit : undefined });
    subjects[name] = { name, version, repository, commit, integrity, tarballSize: tarball.length };
  }
  // The round trip to a host that is not this machine. Without it, requests that wait for each
  // other cost nothing.
  for (const server of [registry, githost]) server.fault({ delay: latency });
  return {
    registry,
    githost,
    subjects,
    size: `${FILES} files, ${Math.round((FILES * BYTES_PER_FILE) / 1000)} kB, ${COMMITS} commits, ${COMMITS / COMMITS_PER_RELEASE} tags, ${DEV_DEPENDENCIES.length * (1 + DEPENDENCIES_OF_EACH)} packages for development`,
    async close() {
      await registry.close();
      await githost.close();
    },
  };
}

/**
 * The history of a repository, and the files and version of its newest commit as they are
 * published.
 */
function project(name, repository, build = false) {
  const made = random(1);
  const devDependencies = Object.fromEntries(DEV_DEPENDENCIES.map((dependency) => [dependency, '^1.0.0']));
  const more = build ? { files: ['dist'], scripts: { prepack: 'node build.js' } } : {};
  const manifest = (version) =>
    `${JSON.stringify({ name, version, license: 'MIT', main: build ? 'dist/file-1.js' : 'lib/file-1.js', repository: { type: 'git', url: `git+https://github.com/${repository}.git` }, ...more, devDependencies }, null, 2)}\n`;
  const files = { 'package.json': manifest('0.0.0'), 'README.md': `# ${name}\n`, ...(build && { 'build.js': BUILD, '.gitignore': 'dist\nnode_modules\n' }) };
  for (let i = 1; i < FILES - 1; i++) files[`lib/file-${i}.js`] = made.text(BYTES_PER_FILE);

  const commits = [{ label: '0', files: { ...files } }];
  const tags = {};
  let version = '0.0.0';
  for (let nth = 1; nth < COMMITS; nth++) {
    const changes = { [`lib/file-${1 + made.int(FILES - 2)}.js`]: made.text(BYTES_PER_FILE) };
    if ((nth + 1) % COMMITS_PER_RELEASE === 0) {
      version = `1.${(nth + 1) / COMMITS_PER_RELEASE}.0`;
      changes['package.json'] = manifest(version);
      tags[`v${version}`] = String(nth);
    }
    Object.assign(files, changes);
    commits.push({ label: String(nth), files: changes });
  }
  return { history: { commits, tags }, files: build ? published(files) : files, version };
}

/** What npm packs of a folder that was built. */
function published(files) {
  const built = Object.entries(files).filter(([name]) => name.startsWith('lib/')).map(([name, text]) => [name.replace('lib/', 'dist/'), text.toUpperCase()]);
  return { ...Object.fromEntries(built), 'package.json': files['package.json'], 'README.md': files['README.md'] };
}
