// Packages with native programs, whose compiler no npm registry has: undecided, with the toolchain
// that the source names.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { openWorld } from './world.mjs';

let world;
let clean;
before(async () => {
  world = await openWorld({ builds: true });
  clean = await world.home();
});
after(() => world.close());

const ELF = Buffer.concat([Buffer.from('\x7fELF\x02\x01\x01', 'latin1'), Buffer.alloc(64, 7)]);
const WASM = Buffer.concat([Buffer.from('\0asm\x01\0\0\0', 'latin1'), Buffer.alloc(16, 1)]);
const judge = (spec, args = []) => world.judge(spec, { clean, args: ['--force', ...args] });
const builds = (answer) => answer.attempts.filter((attempt) => attempt.strategy !== 'source');

/**
 * A platform package in npm/linux-x64 of a repository with a build at its root; `cargo` is the
 * root's Cargo.toml.
 */
function platform(name, { json = {}, published = {}, source = {}, files = { 'Cargo.toml': '[package]\nrust-version = "1.80"\n' } } = {}) {
  const directory = 'npm/linux-x64';
  const own = { name, version: '1.0.0', repository: { type: 'git', url: `git+https://github.com/kit/${name}.git`, directory }, os: ['linux'], cpu: ['x64'], main: 'a.node', ...json };
  const text = `${JSON.stringify(own, null, 2)}\n`;
  const folder = { 'package.json': text, 'README.md': '# a\n', ...source };
  const commit = {
    'package.json': '{"name":"root","private":true,"scripts":{"build":"cargo build"}}\n',
    '.gitignore': '*.node\n',
    ...files,
    ...Object.fromEntries(Object.entries(folder).map(([path, content]) => [`${directory}/${path}`, content])),
  };
  return world.host
    .add(`kit/${name}`, { commits: [{ label: 'c', files: commit }], tags: { 'v1.0.0': 'c' } })
    .then((ids) => world.registry.publish({ files: { ...folder, 'a.node': ELF, ...published }, gitHead: ids.c }))
    .then((release) => `${release.name}@${release.version}`);
}

test('a platform package is undecided at once, and the compiler is named with its version and file', async () => {
  const answer = await judge(await platform('n-rust'));
  assert.deepEqual([answer.verdict, answer.code, answer.ran.code], ['unsupported', 'native-toolchain-needed', 2]);
  assert.deepEqual(builds(answer), []);
  const finding = answer.findings.find((one) => one.code === 'native-toolchain-needed');
  assert.match(finding.message, /a\.node .*needs rust 1\.80 \(Cargo\.toml\)/);
  assert.match(answer.hints.join('\n'), /rust 1\.80/);
});

test('a file of rustup pins the version, and go.mod names Go', async () => {
  const pinned = { 'core/Cargo.toml': '[package]\n', 'core/rust-toolchain.toml': '[toolchain]\nchannel = "1.81.0"\n' };
  const needs = async (name, files) => (await judge(await platform(name, { files }))).findings.find((one) => one.code === 'native-toolchain-needed').message;
  assert.match(await needs('n-pinned', pinned), /needs rust 1\.81\.0 \(core\/rust-toolchain\.toml\)/);
  assert.match(await needs('n-go', { 'go.mod': 'module n\n\ngo 1.22\n' }), /needs go 1\.22 \(go\.mod\)/);
});

test('what else is not as in the source is no compiler\'s doing', async () => {
  // One file more that is no program, another README, and a script that installers run: each is
  // seen as before.
  for (const [name, published] of Object.entries({
    'n-script': { 'install.js': 'evil()\n' },
    'n-readme': { 'README.md': '# another\n' },
    'n-text': { 'b.node': 'require("./evil")\n' },
  })) {
    const answer = await judge(await platform(name, { published }), ['--strategy', 'source']);
    assert.deepEqual([answer.verdict, answer.ran.code], ['differs', 1], name);
  }
});

test('without a project of a compiler in the source a program is a file that is not in it', async () => {
  const answer = await judge(await platform('n-none', { files: {} }), ['--strategy', 'source']);
  assert.deepEqual([answer.verdict, answer.code], ['differs', 'files-not-in-source']);
});

/** A package whose build makes JavaScript, and WebAssembly with a compiler. */
function mixed(name, { build, published }) {
  return world
    .release(name, {
      json: { scripts: { build }, files: ['dist', 'wasm', 'index.js'] },
      files: { '.gitignore': 'dist\nwasm\nnode_modules\n', 'Cargo.toml': '[package]\n' },
      published: { '.gitignore': null, 'Cargo.toml': null, 'dist/a.js': 'built', 'wasm/a.wasm': WASM, ...published },
    })
    .then(({ spec }) => spec);
}
const MAKES = `node -e "require('fs').mkdirSync('dist');require('fs').writeFileSync('dist/a.js','built')"`;

test('a package whose build lacks a compiler is undecided where all else came out', async () => {
  for (const [name, build] of [['n-mixed', MAKES], ['n-stopped', `${MAKES} && no-such-wasm-pack build`]]) {
    const answer = await judge(await mixed(name, { build }));
    assert.deepEqual([answer.verdict, answer.code], ['unsupported', 'native-toolchain-needed'], name);
    assert.ok(builds(answer).length > 0, 'it was built');
  }
});

test('what wasm-bindgen writes beside its program is its compiler\'s, and no other Node is tried for it', async () => {
  const glue = { 'wasm/a.wasm': null, 'wasm/a_bg.wasm': WASM, 'wasm/a.js': 'glue', 'wasm/a.d.ts': 'types', 'wasm/snippets/b-1/c.js': 'snippet' };
  const answer = await judge(await mixed('n-bindgen', { build: `${MAKES} && no-such-wasm-pack build`, published: glue }));
  assert.deepEqual([answer.verdict, answer.code, answer.ran.code], ['unsupported', 'native-toolchain-needed', 2]);
  assert.equal(builds(answer).length, 1, 'one build shows it');
  // Where nothing failed, and for any other file, it counts.
  for (const [name, build, published, verdict] of [
    ['n-bindgen-well', MAKES, glue, 'differs'],
    ['n-bindgen-more', `${MAKES} && no-such-wasm-pack build`, { ...glue, 'wasm/evil.js': 'evil()' }, 'build-failed'],
  ]) {
    const other = await judge(await mixed(name, { build, published }));
    assert.deepEqual([other.verdict, other.ran.code], [verdict, 1], name);
  }
});

test('what lies beside a program counts, and so do another text and a script that begins as a program', async () => {
  const stopped = `${MAKES} && no-such-wasm-pack build`;
  for (const [name, build, published, verdict] of [
    ['n-beside', MAKES, { 'wasm/a.js': 'glue' }, 'differs'],
    ['n-glue', stopped, { 'wasm/a.js': 'glue' }, 'build-failed'],
    ['n-tampered', stopped, { 'dist/a.js': 'built and more' }, 'build-failed'],
    ['n-polyglot', MAKES, { 'wasm/run': "MZ=1;require('child_process')" }, 'differs'],
    ['n-named', MAKES, { 'wasm/b.js': WASM }, 'differs'],
  ]) {
    const answer = await judge(await mixed(name, { build, published }));
    assert.deepEqual([answer.verdict, answer.ran.code], [verdict, 1], name);
  }
});
