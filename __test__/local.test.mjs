// `reproduce --local`: a folder that is about to be published, and the ways in which nobody could
// rebuild it. Each is made in a clone of a repository on loopback, and must be named with what to
// do. There is no git on PATH.

import assert from 'node:assert/strict';
import { execFile, execFileSync } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import Ajv2020 from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { CLI, run } from './kit/cli.mjs';
import { git } from './kit/history.mjs';
import { npmFolder, packedNode } from './kit/toolchain.mjs';
import { manifest, openWorld } from './world.mjs';

const read = (path) => readFile(new URL(path, import.meta.url), 'utf8');
let validate;
let world;
let clean;
let root;
before(async () => {
  const ajv = new Ajv2020({ allErrors: true, strict: true, allowUnionTypes: true });
  addFormats(ajv);
  ajv.addSchema(JSON.parse(await read('../schema/result.schema.json')));
  validate = ajv.compile(JSON.parse(await read('../schema/local.schema.json')));
  world = await openWorld({ builds: true });
  clean = await world.home();
  root = await mkdtemp(join(tmpdir(), 'local-'));
});
after(async () => {
  await world.close();
  await rm(root, { recursive: true });
});

const NODE_PACKAGE = `node-${process.platform === 'win32' ? 'win' : process.platform}-${process.arch}`;
const NODE = `node/v${process.versions.node}`;
const BASE = { 'index.js': 'x\n', 'README.md': '# x\n', '.gitignore': 'dist\nnode_modules\n*.env\n' };

/**
 * Puts up a repository and clones it. `change` gets the clone, and `commit(message)`, which commits
 * all of it.
 */
async function checkout(name, { json = {}, files = {}, change } = {}) {
  const { repository, ...more } = json;
  const source = { 'package.json': manifest(name, '1.0.0', { ...(repository !== undefined && { repository }), ...more }), ...BASE, ...files };
  await world.host.add(`kit/${name}`, { commits: [{ label: 'c', files: source }], tags: { 'v1.0.0': 'c' } });
  const folder = join(root, name);
  await git(['clone', '-q', world.host.directory(`kit/${name}`), folder]);
  await git(['-C', folder, 'remote', 'set-url', 'origin', `https://github.com/kit/${name}.git`]);
  const commit = async (message) => {
    await git(['-C', folder, 'add', '-A']);
    await git(['-C', folder, '-c', 'user.name=k', '-c', 'user.email=k@example.test', 'commit', '-qm', message]);
  };
  await change?.(folder, commit);
  return folder;
}

async function write(folder, path, text) {
  await mkdir(dirname(join(folder, path)), { recursive: true });
  await writeFile(join(folder, path), text);
}

/** Runs `reproduce --local --json` in a folder and checks the answer on the way. */
async function check(folder, { args = [], env = {} } = {}) {
  const ran = await run(['--local', '--json', ...args], { env: { ...clean.env, npm_config_user_agent: `npm/11.0.0 ${NODE}`, ...env }, cwd: folder });
  assert.ok(ran.json, `${ran.stdout}\n${ran.stderr}`);
  if (!ran.json.stage) {
    assert.ok(validate(ran.json), JSON.stringify(validate.errors));
    assert.equal(ran.code, ran.json.reproducible === null ? 2 : Number(!ran.json.reproducible));
    for (const { code, message, todo } of ran.json.problems) assert.ok(message && todo, code);
  }
  return { ...ran.json, ran, codes: ran.json.problems?.map(({ code }) => code) };
}

const problem = (answer, code) => answer.problems.find((one) => one.code === code) ?? assert.fail(`${code} is not among ${answer.codes}: ${JSON.stringify(answer.rebuild)}`);

test('a clean clone of what was pushed passes, and its commit was rebuilt', async () => {
  const answer = await check(await checkout('l-good'));
  assert.deepEqual([answer.reproducible, answer.codes, answer.rebuild?.verdict], [true, [], 'identical'], answer.ran.stdout);
  assert.deepEqual(answer.files, ['README.md', 'index.js', 'package.json']);
  assert.equal(answer.rebuild.origin.commit, answer.commit);
});

test('the folder is packed as npm packs it: byte for byte', async () => {
  const files = { 'lib/ü.js': 'u\n', 'lib/.npmignore': 'b.js\n', 'lib/b.js': 'b\n', 'bin/run.js': { data: '#!/usr/bin/env node\n', mode: 0o755 } };
  const folder = await checkout('l-bytes', { json: { files: ['lib', 'bin'], bin: 'bin/run.js' }, files });
  const answer = await check(folder);
  assert.equal(answer.rebuild?.verdict, 'identical', answer.ran.stdout);
  const npm = await run(['pack', '--json', '--pack-destination', root], { command: ['npm'], cwd: folder, env: { ...clean.env, PATH: process.env.PATH } });
  assert.equal(JSON.parse(npm.stdout)[0].integrity, answer.rebuild.package.integrity, npm.stderr);
});

test('a package whose build gives the same files passes', async () => {
  const build = `node -e "require('fs').mkdirSync('dist',{recursive:true});require('fs').writeFileSync('dist/a.js','built')"`;
  const folder = await checkout('l-built', { json: { scripts: { build }, files: ['dist'] }, change: (at) => write(at, 'dist/a.js', 'built') });
  const answer = await check(folder);
  assert.deepEqual([answer.reproducible, answer.codes], [true, []], answer.ran.stdout);
});

test('a prepack script is run by the npm that publishes, and what it makes is checked', async () => {
  const prepack = `node -e "require('fs').mkdirSync('dist',{recursive:true});require('fs').writeFileSync('dist/a.js','made')"`;
  const folder = await checkout('l-prepack', { json: { scripts: { prepack }, files: ['dist'] } });
  const env = { npm_execpath: join(await npmFolder(), 'bin/npm-cli.js'), npm_node_execpath: process.execPath, PATH: `${clean.env.PATH}:/bin:/usr/bin`, npm_config_dry_run: 'true' };
  const answer = await check(folder, { env });
  assert.deepEqual([answer.packedBy, answer.files.includes('dist/a.js'), answer.reproducible], ['npm pack', true, true], answer.ran.stdout);
});

// ── ways in which nobody could rebuild it ──

test('1. a tracked file that was changed', async () => {
  const answer = await check(await checkout('l-changed', { change: (at) => write(at, 'index.js', 'y\n') }));
  assert.deepEqual(problem(answer, 'local-changed').paths, ['index.js']);
  assert.match(problem(answer, 'local-changed').todo, /commit/);
  assert.equal(answer.rebuild, null, 'nothing is rebuilt before that');
});

test('2. a version that was set and not committed', async () => {
  const answer = await check(await checkout('l-version', { change: (at) => write(at, 'package.json', manifest('l-version', '1.0.1')) }));
  assert.match(problem(answer, 'local-changed').message, /another version/);
  assert.match(problem(answer, 'local-changed').todo, /npm version/);
});

test('3. a file that was never committed', async () => {
  const answer = await check(await checkout('l-untracked', { change: (at) => write(at, 'notes.txt', 'n\n') }));
  assert.deepEqual(problem(answer, 'local-not-committed').paths, ['notes.txt']);
});

test('4. a file that git ignores, and no build makes', async () => {
  const answer = await check(await checkout('l-ignored', { json: { files: ['dist', 'index.js'] }, change: (at) => write(at, 'dist/old.js', 'old\n') }));
  assert.deepEqual(problem(answer, 'local-ignored').paths, ['dist/old.js'], answer.ran.stdout);
});

test('5. a commit that was not pushed', async () => {
  const folder = await checkout('l-unpushed', {
    change: async (at, commit) => {
      await write(at, 'index.js', 'later\n');
      await commit('later');
    },
  });
  const answer = await check(folder);
  assert.match(problem(answer, 'local-not-pushed').todo, /git push/);
});

test('6. no repository in package.json', async () => {
  const answer = await check(await checkout('l-undeclared', { json: { repository: null } }));
  assert.match(problem(answer, 'local-not-declared').todo, /repository/);
});

test('7. a repository that strangers cannot fetch', async () => {
  const answer = await check(await checkout('l-private-host', { json: { repository: 'git+ssh://git@git.corp.internal/team/it.git' } }));
  assert.match(problem(answer, 'local-repository-unusable').todo, /https/);
});

test('8. a repository field that names another repository', async () => {
  await world.host.add('kit/l-elsewhere', { commits: [{ label: 'c', files: { 'package.json': manifest('something-else') } }] });
  const answer = await check(await checkout('l-other', { json: { repository: 'github:kit/l-elsewhere' } }));
  assert.match(problem(answer, 'local-other-repository').message, /l-elsewhere.*l-other/);
});

test('9. a mode that is not committed', async () => {
  const answer = await check(await checkout('l-mode', { files: { 'run.sh': '#!/bin/sh\n' }, change: (at) => chmod(join(at, 'run.sh'), 0o755) }));
  assert.deepEqual(problem(answer, 'local-mode').paths, ['run.sh']);
});

test('10. a build that writes the time', async () => {
  const build = `node -e "require('fs').mkdirSync('dist',{recursive:true});require('fs').writeFileSync('dist/a.js','// '+new Date().toISOString()+'\\nmodule.exports = 1;\\n')"`;
  const folder = await checkout('l-time', { json: { scripts: { build }, files: ['dist'] }, change: (at) => write(at, 'dist/a.js', '// 2020-01-02T03:04:05.678Z\nmodule.exports = 1;\n') });
  const answer = await check(folder);
  assert.deepEqual(problem(answer, 'local-time-stamp').paths, ['dist/a.js']);
});

test('11. a build that fails', async () => {
  const answer = await check(await checkout('l-broken', { json: { scripts: { build: 'exit 3' }, files: ['dist'] }, change: (at) => write(at, 'dist/a.js', 'a') }));
  assert.match(problem(answer, 'local-build-failed').todo, /--log/);
});

test('12. old output of an earlier build', async () => {
  const build = `node -e "require('fs').mkdirSync('dist',{recursive:true});require('fs').writeFileSync('dist/a.js','a')"`;
  const folder = await checkout('l-stale', { json: { scripts: { build }, files: ['dist'] }, change: (at) => Promise.all([write(at, 'dist/a.js', 'a'), write(at, 'dist/gone.js', 'g')]) });
  assert.deepEqual(problem(await check(folder), 'local-ignored').paths, ['dist/gone.js']);
});

test('13. no git repository', async () => {
  const folder = join(root, 'l-plain');
  await write(folder, 'package.json', manifest('l-plain'));
  assert.match(problem(await check(folder), 'local-no-git').todo, /clone/);
});

test('a package.json that leads to a device or a pipe is refused at once, and a file is read', { skip: process.platform === 'win32' && 'no devices' }, async () => {
  const folder = join(root, 'l-device');
  const file = join(folder, 'package.json');
  await mkdir(folder);
  for (const make of [() => symlink('/dev/zero', file), () => promisify(execFile)('mkfifo', [file])]) {
    await make();
    const env = { npm_config_user_agent: '', npm_package_json: file };
    const { ran } = await check(folder, { env });
    assert.deepEqual([ran.json.code, ran.code], ['folder-without-package', 2], ran.stdout);
    await rm(file);
  }
  await write(folder, 'package.json', manifest('l-device'));
  assert.ok(problem(await check(folder), 'local-no-git'));
});

test('14. a repository without a commit', async () => {
  const folder = join(root, 'l-unborn');
  await write(folder, 'package.json', manifest('l-unborn'));
  await git(['init', '-q', folder]);
  assert.match(problem(await check(folder), 'local-no-commit').todo, /commit/);
});

test('15. a file that is kept by Git LFS', async () => {
  const pointer = 'version https://git-lfs.github.com/spec/v1\noid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393\nsize 3\n';
  const answer = await check(await checkout('l-lfs', { files: { 'data.bin': pointer }, change: (at) => write(at, 'data.bin', 'abc') }));
  assert.deepEqual(problem(answer, 'local-lfs').paths, ['data.bin']);
});

test('16. a package that is private, or has no version', async () => {
  problem(await check(await checkout('l-private', { json: { private: true } })), 'local-private');
  const folder = await checkout('l-unnamed', { files: { 'package.json': '{"name":"l-unnamed","repository":"github:kit/l-unnamed"}\n' } });
  problem(await check(folder), 'local-unnamed');
});

test('17. a folder of a monorepo that package.json does not name, or names wrongly', async () => {
  const own = (directory) => manifest('l-mono', '1.0.0', { repository: { type: 'git', url: 'git+https://github.com/kit/l-mono.git', ...(directory && { directory }) } });
  const folder = await checkout('l-mono', { files: { 'package.json': manifest('l-root', '0.0.0', { private: true }), 'packages/a/package.json': own('packages/b'), 'packages/a/a.js': 'a\n' } });
  const wrong = problem(await check(join(folder, 'packages/a')), 'local-directory');
  assert.deepEqual([wrong.severity, /packages\/a/.test(wrong.todo)], ['error', true]);
});

test('CRLF on disk where the commit has LF is a warning, and the bytes decide', async () => {
  const answer = await check(await checkout('l-crlf', { change: (at) => write(at, 'index.js', 'x\r\n') }));
  assert.equal(problem(answer, 'local-line-endings').severity, 'warning');
});

// ── --explain, hooks and output ──

test('--explain says what to change, and what is well', async () => {
  const folder = await checkout('l-explain', { json: { scripts: { build: 'exit 0' } }, files: { '.npmignore': 'test\n' }, change: (at) => write(at, 'dist/a.js', 'a') });
  const { advice } = await check(folder, { args: ['--explain'] });
  const about = Object.fromEntries(advice.map((one) => [one.about, one.good]));
  assert.deepEqual(about, { repository: false, files: false, build: true, lockfile: false, engines: false, packageManager: false, 'line-endings': false });
  assert.equal((await check(folder)).advice, null);
});

test('by hand the Node that runs this is the one that is tried: npm would record it', async () => {
  const build = `node -e "require('fs').mkdirSync('dist',{recursive:true});require('fs').writeFileSync('dist/a.js',process.version)"`;
  const folder = await checkout('l-by-hand', { json: { scripts: { build }, files: ['dist'] }, change: (at) => write(at, 'dist/a.js', process.version) });
  // The registry has a later one, which would be taken where nothing is known.
  await world.registry.publish(await packedNode(process.execPath, '98.0.0'));
  try {
    const answer = await check(folder, { env: { npm_config_user_agent: '' } });
    assert.deepEqual([answer.reproducible, answer.rebuild?.verdict], [true, 'identical'], answer.ran.stdout);
    assert.equal(answer.rebuild.attempts.find((one) => one.verdict === 'identical').recipe.build.node, process.versions.node);
  } finally {
    world.registry.unpublish(NODE_PACKAGE, '98.0.0');
  }
});

test('a hook that only calls this program is no step, and in a script with others it is nobody’s failure', async () => {
  const build = `node -e "require('fs').mkdirSync('dist',{recursive:true});require('fs').writeFileSync('dist/a.js','built')"`;
  const built = (at) => write(at, 'dist/a.js', 'built');
  for (const [name, scripts, ran] of [
    ['alone', { build, prepublishOnly: 'reproduce --local', postpublish: 'reproduce' }, ['build']],
    ['behind', { prepublishOnly: `${build} && reproduce --local` }, ['prepublishOnly']],
    ['through', { prepublishOnly: 'npm run assemble && npm run check', assemble: build, check: 'reproduce --local' }, ['prepublishOnly']],
  ]) {
    const folder = await checkout(`l-hook-${name}`, { json: { scripts, files: ['dist'] }, change: built });
    const answer = await check(folder);
    assert.deepEqual([answer.reproducible, answer.codes], [true, []], answer.ran.stdout);
    const { recipe, log } = answer.rebuild.attempts.find((one) => one.verdict === 'identical');
    assert.deepEqual(recipe.build.steps.map((step) => step.name).filter((step) => !step.startsWith('npm ')), ran);
    assert.doesNotMatch(log, /not found|exit 1(?!\d)/, log);
  }
});

test('where a hook calls only this program, what is wrong is said of what is wrong', async () => {
  const scripts = { prepublishOnly: 'reproduce --local' };
  const folder = await checkout('l-made-by-hand', { json: { scripts, files: ['dist'] }, change: (at) => write(at, 'dist/a.js', 'made by hand') });
  assert.deepEqual(problem(await check(folder), 'local-ignored').paths, ['dist/a.js']);
});

test('an entry of package.json without its file is a warning', async () => {
  const answer = await check(await checkout('l-no-main', { json: { main: 'dist/index.js', bin: { x: 'index.js' } } }));
  assert.deepEqual([answer.reproducible, answer.codes], [true, ['local-entry-missing']], answer.ran.stdout);
  assert.deepEqual(problem(answer, 'local-entry-missing').paths, ['dist/index.js']);
});

test('--junit and --sarif say what the folder’s problems are', async () => {
  const files = { junit: join(root, 'l.xml'), sarif: join(root, 'l.sarif') };
  const args = ['--junit', files.junit, '--sarif', files.sarif];
  const results = async () => JSON.parse(await readFile(files.sarif, 'utf8')).runs[0].results;
  const good = await check(await checkout('l-documents'), { args });
  assert.equal(good.reproducible, true);
  assert.match(await readFile(files.junit, 'utf8'), /tests="1" failures="0" errors="0"[^]*name="l-documents@1\.0\.0"[^>]*\/>/);
  assert.deepEqual(await results(), []);
  const bad = await check(await checkout('l-documents-bad', { json: { main: 'gone.js' }, change: (at) => write(at, 'index.js', 'y\n') }), { args });
  assert.equal(bad.reproducible, false);
  assert.match(await readFile(files.junit, 'utf8'), /failures="1" errors="0"[^]*<failure type="local-changed"[^]*index\.js/);
  const of = (await results()).map(({ ruleId, level, locations }) => [ruleId, level, locations[0].physicalLocation.artifactLocation.uri]);
  assert.deepEqual(of, [['local-entry-missing', 'warning', 'package.json'], ['local-changed', 'error', 'index.js']]);
  const none = await check(join(root, '..'), { args });
  assert.equal(none.ran.code, 2);
  assert.match(await readFile(files.junit, 'utf8'), /errors="1"[^]*<error type="folder-without-package"/);
  assert.deepEqual(await results(), []);
});

test('what people see names the problem, its files and what to do', async () => {
  const folder = await checkout('l-text', { change: (at) => write(at, 'index.js', 'y\n') });
  const ran = await run(['--local'], { env: clean.env, cwd: folder });
  assert.equal(ran.code, 1);
  assert.match(ran.stdout, /^✗ nobody could reproduce this {2}l-text@1\.0\.0\n/);
  assert.match(ran.stdout, /\nerror\[local-changed\]: files differ from the commit\n {2}index\.js\nhint: commit the changes/);
});

test('--workspaces checks every package of the workspace that is published, and the worst decides', async () => {
  const workspace = async (name, declared) => {
    const member = (short, { is = true, ...more } = {}) => ({
      [`packages/${short}/package.json`]: manifest(`${name}-${short}`, '1.0.0', { repository: is ? { type: 'git', url: `git+https://github.com/kit/${name}.git`, directory: `packages/${short}` } : null, ...more }),
      [`packages/${short}/index.js`]: 'x\n',
    });
    return checkout(name, { json: { private: true, workspaces: ['packages/*'] }, files: { ...member('a'), ...member('b', { is: declared }), ...member('c', { private: true }) } });
  };
  const many = async (folder, ...args) => {
    const ran = await run(['--local', '--workspaces', ...args], { env: { ...clean.env, npm_config_user_agent: `npm/11.0.0 ${NODE}` }, cwd: folder });
    const lines = args.includes('--json') ? ran.stdout.trim().split('\n').map((line) => JSON.parse(line)) : [];
    return { out: ran.stdout, told: [ran.code, ...lines.map(({ name, reproducible }) => [name, reproducible])] };
  };
  const good = await many(await workspace('l-many', true), '--json');
  assert.deepEqual(good.told, [0, ['l-many-a', true], ['l-many-b', true]], good.out);
  const folder = await workspace('l-some', false);
  const junit = join(root, 'l-some.xml');
  const bad = await many(folder, '--json', '--junit', junit);
  assert.deepEqual(bad.told, [1, ['l-some-a', true], ['l-some-b', false]], bad.out);
  assert.match(await readFile(junit, 'utf8'), /tests="2" failures="1"/);
  assert.match((await many(folder)).out, /\n1 of 2 packages can be reproduced\n$/);
  const alone = await run(['--local', '--workspaces', '--json'], { env: clean.env, cwd: join(folder, 'packages/a') });
  assert.deepEqual([alone.code, alone.json.code], [2, 'folder-without-workspace']);
});

test('npm publish stops where the hook fails, and goes on where it passes', async () => {
  const hook = { scripts: { prepublishOnly: `${JSON.stringify(process.execPath)} ${JSON.stringify(CLI)} --local` } };
  const publish = async (name, change) => {
    const folder = await checkout(name, { json: hook, change });
    const npmrc = `//${new URL(world.registry.url).host}/:_authToken=x\n`;
    await writeFile(join(clean.home, '.npmrc'), npmrc);
    return run(['publish', '--dry-run'], { command: ['npm'], cwd: folder, env: { ...clean.env, PATH: process.env.PATH } });
  };
  const good = await publish('l-hook-good');
  assert.equal(good.code, 0, good.stderr);
  assert.match(good.stdout, /can be reproduced {2}l-hook-good@1\.0\.0/);
  const bad = await publish('l-hook-bad', (at) => write(at, 'index.js', 'y\n'));
  assert.notEqual(bad.code, 0);
  assert.match(bad.stdout, /error\[local-changed\]/);
});

const after_ = (name, more = {}) => ({ npm_lifecycle_event: 'postpublish', npm_package_name: name, npm_package_version: '1.0.0', ...more });

/** A folder with these files, as the variable that names its package.json. */
async function folderWith(name, files) {
  const folder = join(root, `after-${name}`);
  for (const [path, text] of Object.entries(files)) await write(folder, path, text);
  return { npm_package_json: join(folder, 'package.json') };
}

test('after a publish it waits until the registry shows the version', async () => {
  const files = { 'package.json': manifest('l-late'), 'index.js': 'x\n' };
  const ids = await world.host.add('kit/l-late', { commits: [{ label: 'c', files }], tags: { 'v1.0.0': 'c' } });
  // The second question is asked after the first was answered with "not there".
  let again;
  const asked = new Promise((resolve) => (again = resolve));
  const lift = world.registry.fault({ on: 'l-late', after: 1, times: 1, status: 404, onHit: again });
  const running = run(['--json'], { env: { ...clean.env, ...after_('l-late', await folderWith('l-late', files)) } });
  await asked;
  await world.registry.publish({ files, gitHead: ids.c });
  assert.equal((await running).json.verdict, 'identical');
  lift();
});

test('a version that the registry never shows is an error, after --timeout at the latest', async () => {
  const ran = await run(['--json', '--timeout', '3'], { env: { ...clean.env, ...after_('l-never') } });
  assert.deepEqual([ran.code, ran.json.verdict], [2, 'error']);
  const asked = world.registry.requests.filter(({ path }) => path.includes('l-never')).length;
  assert.ok(asked > 1, `asked ${asked} times`);
});

test('what was there before the publish is not judged in its place', async () => {
  const version = async (name, more) => {
    const files = { 'package.json': manifest(name), 'index.js': 'x\n' };
    const ids = await world.host.add(`kit/${name}`, { commits: [{ label: 'c', files }], tags: { 'v1.0.0': 'c' } });
    await world.registry.publish({ files, gitHead: ids.c, ...more });
  };
  const hour = 60 * 60 * 1000;
  await version('l-before', { time: new Date(Date.now() - 24 * hour).toISOString() });
  await version('l-timeless', { omit: ['time'] });
  await version('l-now', {});
  const judged = (name) => run(['--json'], { env: { ...clean.env, ...after_(name) } });
  for (const name of ['l-before', 'l-timeless']) {
    const { code, json } = await judged(name);
    assert.deepEqual([code, json.verdict, json.code], [2, 'error', 'not-just-published'], name);
    assert.ok(json.message.includes(world.registry.url) && json.hints[0].includes('--registry'), JSON.stringify(json));
    // By its name it is judged.
    assert.equal((await run([`${name}@1.0.0`, '--json'], { env: clean.env })).json.verdict, 'identical');
  }
  const now = await folderWith('l-now', { 'package.json': manifest('l-now'), 'index.js': 'x\n' });
  assert.equal((await run(['--json'], { env: { ...clean.env, ...after_('l-now', now) } })).json.verdict, 'identical');
});

test('no stored result stands for what was published now', async () => {
  const files = { 'package.json': manifest('l-again'), 'index.js': 'x\n' };
  const ids = await world.host.add('kit/l-again', { commits: [{ label: 'c', files }], tags: { 'v1.0.0': 'c' } });
  await world.registry.publish({ files, gitHead: ids.c });
  const place = await folderWith('l-again', files);
  const judged = () => run(['--json'], { env: { ...clean.env, ...after_('l-again', place) } });
  assert.equal((await judged()).json.verdict, 'identical');
  const again = await judged();
  assert.deepEqual([again.json.verdict, again.json.cached], ['identical', undefined]);
  // One is there: whoever asks by name gets it.
  assert.equal((await run(['l-again@1.0.0', '--json'], { env: clean.env })).json.cached, true);
  world.registry.unpublish('l-again');
  world.registry.packuments.delete('l-again');
  await folderWith('l-again', { 'index.js': 'payload()\n' });
  await world.registry.publish({ files: { ...files, 'index.js': 'payload()\n' }, gitHead: ids.c });
  assert.equal((await judged()).json.verdict, 'differs');
});

test('after a dry run nothing is asked', async () => {
  const ran = await run([], { env: { ...clean.env, ...after_('l-never', { npm_config_dry_run: 'true' }) } });
  assert.deepEqual([ran.code, ran.stdout], [0, '']);
  assert.match(ran.stderr, /dry run/);
});

test('in prepublishOnly without --local, the hint says what was meant', async () => {
  const ran = await run([], { env: { ...clean.env, npm_lifecycle_event: 'prepublishOnly', npm_package_name: 'x', npm_package_version: '1.0.0' } });
  assert.equal(ran.code, 2);
  assert.match(ran.stderr, /reproduce --local/);
});

test('a rebuild that runs the hook again does nothing', async () => {
  const ran = await run(['--local'], { env: { ...clean.env, REPRODUCE_ACTIVE: '1' }, cwd: fileURLToPath(new URL('.', import.meta.url)) });
  assert.deepEqual([ran.code, ran.stdout], [0, '']);
  assert.match(ran.stderr, /^reproduce: nothing was checked: REPRODUCE_ACTIVE is set/);
});

test('a folder without package.json is a usage error', async () => {
  const ran = await check(join(root, '..'), {});
  assert.deepEqual([ran.ran.code, ran.code], [2, 'folder-without-package']);
});

/** The processes of the system whose words have this text. */
const running = (mark) => execFileSync('ps', ['-eo', 'pid,args'], { encoding: 'utf8' }).split('\n').filter((line) => line.includes(mark) && !line.includes('ps -eo')).map((line) => Number(line.trim().split(' ')[0]));

for (const [what, args, signal, code] of [['--timeout', ['--timeout', '3'], null, 2], ['SIGINT', [], 'SIGINT', 130], ['SIGTERM', [], 'SIGTERM', 143]]) {
  test(`${what} ends the client that packs, and leaves nothing running`, { skip: process.platform === 'win32' }, async () => {
    const mark = `sleep 61.00${code}`;
    const folder = await checkout(`l-pack-${what.replaceAll('-', '').toLowerCase()}`, { json: { scripts: { prepack: mark } } });
    const npm = execFileSync('sh', ['-c', 'realpath "$(command -v npm)"'], { encoding: 'utf8' }).trim();
    const env = { ...clean.env, PATH: process.env.PATH, npm_lifecycle_event: 'prepublishOnly', npm_execpath: npm, npm_node_execpath: process.execPath, npm_config_user_agent: 'npm/11.0.0 node/v20.0.0 linux x64' };
    let look;
    const seen = new Promise((resolve) => (look = setInterval(() => running(mark).length > 0 && resolve(), 100)));
    const ran = await run(['--local', '--json', ...args], { cwd: folder, env, timeout: 40_000, onStart: (child) => void seen.then(() => signal && child.kill(signal)) });
    clearInterval(look);
    await seen;
    assert.equal(ran.code, code, ran.stderr);
    if (!signal) assert.equal(ran.json.code, 'timed-out');
    assert.deepEqual(running(mark), []);
  });
}
