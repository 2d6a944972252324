// `reproduce replay`: the tarball of a recipe, made again from the recipe and the repository alone.

import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { cp, readFile, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import Ajv2020 from 'ajv/dist/2020.js';
import { run } from './kit/cli.mjs';
import { createRepository } from './kit/history.mjs';
import { gzip, integrityOf, rawTar } from './kit/tarball.mjs';
import { assertConsistent, cacheOf, manifest, openWorld } from './world.mjs';

const validate = new Ajv2020({ allErrors: true, strict: true, allowUnionTypes: true }).compile(
  JSON.parse(readFileSync(new URL('../schema/replay.schema.json', import.meta.url), 'utf8')),
);

let world;
let clean;
before(async () => {
  world = await openWorld({ builds: true });
  clean = await world.home();
});
after(() => world.close());

const cli = (...args) => run(['replay', ...args], { env: clean.env, cwd: clean.home });
const judge = (spec, args = []) => world.judge(spec, { clean, args: ['--force', ...args] });
const decided = (answer) => answer.attempts.find(({ recipe }) => recipe.tarball)?.recipe;

/** Writes a recipe or result beside the program and gives its name. */
async function onDisk(name, document) {
  await writeFile(join(clean.home, name), typeof document === 'string' ? document : JSON.stringify(document));
  return name;
}

/** Replays, and fails unless the answer is as its schema says. */
async function replayed(document, { code = 0, args = [] } = {}) {
  const ran = await cli(await onDisk('recipe.json', document), '--json', ...args);
  assert.equal(ran.code, code, `${ran.stdout}\n${ran.stderr}`);
  assert.ok(validate(ran.json), JSON.stringify(validate.errors));
  assert.deepEqual(await clean.leftovers(), [], 'left among the temporary files');
  return ran.json;
}

/** What was published comes out again, byte for byte, though the registry no longer has it. */
async function comesBack(answer) {
  assert.equal(answer.verdict, 'identical', JSON.stringify(answer.comparison));
  const { name, version, integrity } = answer.package;
  world.registry.unpublish(name, version);
  const again = await replayed(answer, { args: ['--emit', 'again.tgz'] });
  assert.deepEqual([again.outcome, again.integrity, again.expected], ['same-bytes', integrity, integrity]);
  assert.deepEqual([again.name, again.version, again.findings], [name, version, []]);
  assert.equal(integrityOf(await readFile(join(clean.home, 'again.tgz'))), integrity);
  return again;
}

test('steps of a release tool and of several lines come back as well', async () => {
  const write = (path, text) => `node -e "require('fs').mkdirSync('dist',{recursive:true});require('fs').writeFileSync('${path}','${text}')"`;
  const scripts = { build: write('dist/a.js', 'v0.0.0-development') };
  const json = { scripts, files: ['dist', 'index.js'] };
  const workflow = `on: push\njobs:\n  a:\n    steps:\n      - run: |\n          node -e "\n          require('fs').writeFileSync('dist/b.js', '2')\n          "\n          npm publish\n`;
  const sources = {
    '.gitignore': 'dist\n',
    '.releaserc': 'plugins:\n  - - semantic-release-plugin-update-version-in-files\n    - files: ["dist/*"]\n',
    '.github/workflows/publish.yml': workflow,
  };
  const { spec } = await world.release('r-steps', {
    json,
    files: sources,
    published: { ...Object.fromEntries(Object.keys(sources).map((file) => [file, null])), 'dist/a.js': 'v1.0.0', 'dist/b.js': '2' },
  });
  const answer = await judge(spec);
  const { steps } = await comesBack(answer);
  assert.ok(steps.some(({ name }) => name.includes('semantic-release')) && decided(answer).build.steps.some(({ command }) => command.at(-1).includes('\n')), JSON.stringify(steps));
});

test('a package of its source comes back from the whole result, from one attempt and from the bare recipe', async () => {
  const { spec } = await world.release('r-source', { files: { 'lib/a.js': 'a\n', 'cli.js!': '#!/bin/sh\n' } });
  const answer = await judge(spec, ['--emit', 'first.tgz']);
  const again = await comesBack(answer);
  assert.deepEqual([again.strategy, again.sandbox, again.steps, again.log], ['source', null, [], null]);
  const attempt = answer.attempts.find(({ recipe }) => recipe.tarball);
  assert.equal((await replayed(attempt)).outcome, 'same-bytes');
  assert.equal((await replayed(decided(answer))).outcome, 'same-bytes');
  assert.ok((await readFile(join(clean.home, 'again.tgz'))).equals(await readFile(join(clean.home, 'first.tgz'))));
});

test('a result that was edited to say that it was reproduced is replayed for nobody, and followed by nobody', async () => {
  const { spec } = await world.release('r-edited', { published: { 'index.js': 'evil\n' } });
  const answer = await judge(spec);
  assert.equal(answer.verdict, 'differs');
  assert.equal((await replayed(answer, { code: 1 })).outcome, 'same-bytes', 'the control: as it was written');
  const edits = { verdict: 'same-content', reproduced: true, code: null, comparison: null, diff: null };
  for (const [what, edited] of [
    ['the verdict', { ...answer, verdict: 'same-content', reproduced: true }],
    ['and the code', { ...answer, verdict: 'same-content', reproduced: true, code: null }],
    ['and the files', { ...answer, ...edits }],
    ['identical', { ...answer, ...edits, verdict: 'identical' }],
    ['identical everywhere', { ...answer, ...edits, verdict: 'identical', attempts: answer.attempts.map((one) => ({ ...one, verdict: 'identical', code: null })) }],
    ['a verdict that is none', { ...answer, verdict: 'good' }],
  ]) {
    const name = await onDisk('edited.json', edited);
    const ran = await cli(name, '--json');
    assert.deepEqual([ran.code, ran.json.code], [2, 'recipe-result-contradicts'], `${what}: ${ran.stdout}`);
    const followed = await world.judge(spec, { clean, args: ['--recipe', name] });
    assert.equal(followed.code, 'recipe-result-contradicts', what);
  }
});

test('times, sequence and compression of an old archive are in the recipe', async () => {
  const name = 'r-old';
  const files = { 'package.json': manifest(name), 'index.js': `module.exports = '${name}';\n`, 'lib/b.js': 'b\n' };
  // A time of eleven octal digits fills its field up to the NUL.
  const edit = (block) => block.fill(0, 147, 148);
  const entries = Object.entries(files).map(([path, data], nth) => ({ path: `package/${path}`, data, mtime: 1_500_000_000 + nth * 1000, edit }));
  const tarball = gzip(rawTar(entries), { level: 6, xfl: 0, os: 19 });
  const { spec } = await world.release(name, { files: { 'lib/b.js': 'b\n' }, publication: { tarball } });
  const answer = await judge(spec);
  const { gzip: encoder, adopted } = decided(answer).tarball;
  assert.deepEqual([encoder.level, encoder.xfl, encoder.os], [6, 0, 19]);
  assert.deepEqual(adopted.entries.map(({ mtime }) => mtime).sort(), [1_500_000_000, 1_500_001_000, 1_500_002_000]);
  await comesBack(answer);
});

test('a Windows checkout and a submodule come back', async () => {
  const crlf = (text) => text.replaceAll('\n', '\r\n');
  const vendor = await world.host.add('kit/r-vendor', { commits: [{ label: 'v', files: { 'v.js': 'v\n' } }], branches: { main: 'v' } });
  const gitmodules = '[submodule "vendor"]\n\tpath = vendor\n\turl = https://github.com/kit/r-vendor.git\n';
  const withSubmodule = await world.release('r-submodule', {
    history: {
      commits: [{ label: 'c', files: { 'package.json': manifest('r-submodule'), 'index.js': `module.exports = 'r-submodule';\n`, '.gitmodules': gitmodules, vendor: { submodule: vendor.v } } }],
      tags: { 'v1.0.0': 'c' },
    },
    published: { '.gitmodules': gitmodules, 'vendor/v.js': 'v\n' },
  });
  const answer = await judge(withSubmodule.spec);
  assert.deepEqual(decided(answer).submodules, ['vendor']);
  await comesBack(answer);

  const source = { 'package.json': manifest('r-windows'), 'index.js': `module.exports = 'r-windows';\n`, 'lib.js': 'a\nb\n' };
  const windows = await world.release('r-windows', {
    files: { 'lib.js': 'a\nb\n' },
    published: Object.fromEntries(Object.entries(source).map(([path, text]) => [path, crlf(text)])),
  });
  const onWindows = await judge(windows.spec);
  assert.equal(decided(onWindows).checkout, 'windows');
  await comesBack(onWindows);
});

const write = (path, text) => `node -e "require('fs').mkdirSync('dist',{recursive:true});require('fs').writeFileSync('${path}','${text}')"`;

test('what a build made is built again, with the same tools and steps, and nothing is kept of it', async () => {
  const { spec } = await world.release('r-built', {
    json: { scripts: { build: write('dist/a.js', 'built') }, files: ['dist', 'index.js'] },
    files: { '.gitignore': 'dist\nnode_modules\n' },
    published: { '.gitignore': null, 'dist/a.js': 'built' },
  });
  const answer = await judge(spec);
  const { build } = decided(answer);
  assert.equal(build.ref, 'refs/tags/v1.0.0');
  const again = await comesBack(answer);
  assert.deepEqual(again.steps.map(({ name, exit }) => [name, exit]), [['npm install', 0], ['build', 0]]);
  assert.match(again.sandbox, /^(namespaces|bwrap|landlock)$/);
  assert.match(again.log, /npm run build/);
  const left = (await readdir(join(cacheOf(clean), 'builds'))).filter((entry) => entry.startsWith('replay-') && !entry.endsWith('.lock'));
  for (const folder of left) assert.deepEqual(await readdir(join(cacheOf(clean), 'builds', folder)), []);

  const otherScript = { ...decided(answer), build: { ...build, steps: build.steps.slice(0, 1) } };
  assert.equal((await replayed(otherScript, { code: 1 })).outcome, 'other-bytes', 'without its step the build makes nothing');
});

test('a recipe that states another integrity is told, with exit code 1, and the text has both', async () => {
  const { spec } = await world.release('r-other');
  const recipe = decided(await judge(spec));
  const integrity = integrityOf('something else');
  const stated = { ...recipe, tarball: { ...recipe.tarball, integrity } };
  const again = await replayed(stated, { code: 1 });
  assert.deepEqual([again.outcome, again.expected, again.integrity], ['other-bytes', integrity, recipe.tarball.integrity]);
  const { stdout, code } = await cli('recipe.json');
  assert.equal(code, 1);
  assert.ok(stdout.includes(integrity) && stdout.includes(recipe.tarball.integrity), stdout);
  assert.equal((await replayed({ ...recipe, packer: 'yarn-1', fileList: 'yarn-1' }, { code: 1 })).outcome, 'other-bytes');
});

test('an attempt that differs is replayed as well: the closest tarball, not the published one', async () => {
  const { spec } = await world.release('r-differs', { published: { 'index.js': 'something else\n' } });
  const answer = await judge(spec);
  assert.equal(answer.verdict, 'differs');
  const again = await replayed(answer, { code: 1 });
  assert.deepEqual([again.outcome, again.integrity], ['same-bytes', answer.source.integrity]);
  assert.deepEqual([again.verdict, again.reproduced], ['differs', false]);
  const { stdout, code } = await cli('recipe.json');
  assert.equal(code, 1, 'no success, whatever the recipe makes');
  assert.match(stdout, /does NOT reproduce the published one: differs/);
  const alone = await replayed(decided(answer));
  assert.deepEqual([alone.outcome, alone.verdict, alone.reproduced], ['same-bytes', null, null]);
  assert.match((await cli('recipe.json')).stdout, /a recipe alone does not say what was published/);
});

test('a recipe that cannot be followed is a failure with a code and a hint, and asks nobody', async () => {
  const { spec, ids } = await world.release('r-bad');
  const recipe = decided(await judge(spec));
  const { tarball, ...bare } = recipe;
  assert.ok(tarball);
  const before_ = world.host.requests.length;
  const cases = [
    ['{', 'recipe-unreadable'],
    ['{}', 'recipe-invalid'],
    [{ verdict: 'no-source', attempts: [] }, 'recipe-missing'],
    [`${JSON.stringify(recipe)}\n${JSON.stringify(recipe)}`, 'recipe-several'],
    [{ ...recipe, schemaVersion: 2 }, 'recipe-schema-unknown'],
    [{ ...recipe, umask: 2 }, 'recipe-invalid'],
    [{ ...recipe, directory: '../..' }, 'recipe-invalid'],
    [{ ...recipe, strategy: 'npm' }, 'recipe-invalid'],
    [bare, 'recipe-incomplete'],
    [{ ...recipe, repository: 'file:///etc' }, 'source-of-machine'],
    [{ ...recipe, repository: 'http://127.0.0.1:1/x' }, 'repository-host-refused'],
  ];
  for (const [document, code] of cases) {
    const ran = await cli(await onDisk('bad.json', document), '--json', '--emit', 'never.tgz');
    assert.equal(ran.code, 2, `${code}: ${ran.stdout}`);
    assertConsistent(ran.json);
    assert.ok(ran.json.code === code || (code.startsWith('repository-') && /^repository-/.test(ran.json.code)), `${code}: ${ran.stdout}`);
  }
  assert.equal(world.host.requests.length, before_, 'a host was asked');
  assert.ok(!existsSync(join(clean.home, 'never.tgz')));

  for (const [change, code] of [[{ commit: '0'.repeat(40) }, 'commit-not-found'], [{ rewrite: 'berry-4' }, 'recipe-impossible']]) {
    const ran = await cli(await onDisk('bad.json', { ...recipe, ...change }), '--json');
    assert.deepEqual([ran.code, ran.json.code], [2, code], ran.stdout);
  }
  assert.ok(ids.c);
  assert.equal((await cli('not-there.json', '--json')).json.code, 'recipe-unreadable');
});

test('a recipe of somebody’s machine is replayed from where the user says it is', async () => {
  const name = 'r-local';
  const files = { 'package.json': manifest(name), 'index.js': 'x\n' };
  await world.registry.publish({ files });
  const made = join(clean.home, 'made-here.git');
  const { c } = await createRepository(made, { commits: [{ label: 'c', files }] });
  const answer = await judge(`${name}@1.0.0`, ['--source', './made-here.git']);
  assert.equal(answer.verdict, 'identical', JSON.stringify(answer.comparison));
  await rename(made, join(clean.home, 'moved.git'));

  // The recipe alone opens nothing of this machine, even where the path leads to the repository.
  await cp(join(clean.home, 'moved.git'), made, { recursive: true });
  const refused = await cli(await onDisk('local.json', answer), '--json');
  assert.deepEqual([refused.code, refused.json.code], [2, 'source-of-machine'], refused.stdout);
  await rm(made, { recursive: true });

  const again = await replayed(answer, { args: ['--source', './moved.git'] });
  assert.deepEqual([again.outcome, again.integrity], ['same-bytes', answer.package.integrity]);
  assert.match(again.source, new RegExp(`/moved\\.git#${c}$`));
  assert.deepEqual(again.findings.map(({ code }) => code), ['source-by-user']);

  const narrowed = await cli(await onDisk('local.json', answer), '--json', '--source', `./moved.git#${c}`);
  assert.deepEqual([narrowed.code, narrowed.json.code], [2, 'source-names-more'], narrowed.stdout);
  // Another commit of the same content is not the recipe's.
  await createRepository(join(clean.home, 'other.git'), { commits: [{ label: 'c', files, message: 'another' }] });
  const other = await cli(await onDisk('local.json', answer), '--json', '--source', './other.git');
  assert.deepEqual([other.code, other.json.code], [2, 'commit-not-found'], other.stdout);
});

test('a commit that no branch or tag reaches is refused here too', async () => {
  const { spec, ids } = await world.release('r-reach');
  const recipe = decided(await judge(spec));
  const other = await world.host.add('kit/r-fork', { commits: [{ label: 'f', files: { 'package.json': manifest('r-reach'), 'index.js': 'evil\n' } }], branches: { main: 'f' } });
  const ran = await cli(await onDisk('fork.json', { ...recipe, commit: other.f }), '--json');
  assert.equal(ran.code, 2);
  assert.match(ran.json.code, /^commit-(not-found|unreachable)$/);
  assert.notEqual(ids.c, other.f);
});

test('standard input is read for -, flags may stand before the word, help is printed, no file is a usage error', async () => {
  const { spec } = await world.release('r-stdin');
  const answer = await judge(spec);
  await rm(join(clean.home, 'recipe.json'), { force: true });
  const ran = await run(['--json', 'replay', '-'], { env: clean.env, cwd: clean.home, input: JSON.stringify(answer) });
  assert.deepEqual([ran.code, ran.json?.outcome], [0, 'same-bytes'], ran.stderr);
  assert.match((await cli('--help')).stdout, /Usage: reproduce replay/);
  assert.equal((await cli()).code, 2);
});
